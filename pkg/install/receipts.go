package install

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/disk"
)

// A receipt lies under the hash of its file's path. So one that cannot be read
// still says that the file was placed by this home: it counts as changed, is
// hashed, and repaired. It can do so for no other file, and never makes a
// foreign one ours.
func (e *Engine) receiptFile(path string) string {
	sum := sha256.Sum256([]byte(path))
	return filepath.Join(e.home.Receipts(), hex.EncodeToString(sum[:])+".json")
}

// receipt reads the receipt for a canonical path. damaged: there is one, but
// it tells nothing.
func (e *Engine) receipt(path string) (r *Receipt, damaged bool, err error) {
	data, err := os.ReadFile(e.receiptFile(path))
	if absent(err) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	if r, err = parseReceipt(data); err != nil || r.Path != path {
		return nil, true, nil
	}
	return r, false, nil
}

// write saves a receipt. Only durable ones are there for certain after a loss
// of power; what others say can be found out again from the file.
func (e *Engine) write(r Receipt, durable bool) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	how := disk.Writing{Durability: disk.Loose}
	if durable {
		how.Durability = disk.Bytes
	}
	return e.disk.WriteFile(e.receiptFile(r.Path), append(data, '\n'), how)
}

func (e *Engine) forget(path string) error { return e.disk.Remove(e.receiptFile(path)) }

// Receipts returns what is known of every installed file, by path. Damaged
// receipts are left out.
func (e *Engine) Receipts() ([]Receipt, error) { return e.receipts(nil) }

// receipts is Receipts without those of some files, by path, which are not
// even read.
func (e *Engine) receipts(without map[string]bool) ([]Receipt, error) {
	if err := e.home.check(); err != nil {
		return nil, err
	}
	skip := map[string]bool{}
	for path := range without {
		skip[e.receiptFile(path)] = true
	}
	entries, err := os.ReadDir(e.home.Receipts())
	if err != nil && !absent(err) {
		return nil, err
	}
	var all []Receipt
	for _, f := range entries {
		if !strings.HasSuffix(f.Name(), ".json") || strings.HasPrefix(f.Name(), ".") {
			continue
		}
		file := filepath.Join(e.home.Receipts(), f.Name())
		if skip[file] {
			continue
		}
		data, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue // another process removed it
		}
		if err != nil {
			return nil, err
		}
		if r, err := parseReceipt(data); err == nil && e.receiptFile(r.Path) == file {
			all = append(all, *r)
		}
	}
	slices.SortFunc(all, func(a, b Receipt) int { return cmp.Compare(a.Path, b.Path) })
	return all, nil
}

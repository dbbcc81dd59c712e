package install

import (
	"os"
	"path/filepath"
	"strings"
)

// Sweep removes what processes that no longer run left half done: temporary
// files in the store, among the receipts and in the folders given, and locks
// on layers. A sync begins with it; Stage and Place do it for the folders that
// they write to.
func (e *Engine) Sweep(dirs ...string) {
	e.sweep(append([]string{e.home.Store(), e.home.Receipts()}, dirs...)...)
	files, _ := os.ReadDir(e.home.Locks())
	for _, f := range files {
		if f.Name() == homeLock || !strings.HasSuffix(f.Name(), ".lock") {
			continue
		}
		if l, _ := e.disk.TryLock(filepath.Join(e.home.Locks(), f.Name())); l != nil {
			l.UnlockAndRemove()
		}
	}
}

// sweep lets what it cannot remove lie: whoever writes there next says so.
func (e *Engine) sweep(dirs ...string) {
	for _, dir := range dirs {
		if dir == "" {
			continue // of no home
		}
		swept, _ := e.disk.Sweep(dir)
		for _, path := range swept {
			e.emit(Event{Kind: EventSwept, Path: path})
		}
	}
}

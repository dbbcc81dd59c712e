package system

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/windows"
)

func TestFileTakesNoControls(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if Controls(file) {
		t.Error("a file takes control sequences")
	}
}

func TestControls(t *testing.T) {
	console, err := os.OpenFile("CONOUT$", os.O_RDWR, 0)
	if err != nil {
		t.Skip("no console here: ", err) // under Wine: script -qec 'wine64 unit.exe …'
	}
	defer console.Close()
	takes := Controls(console)
	mode := uint32(0)
	if err := windows.GetConsoleMode(windows.Handle(console.Fd()), &mode); err != nil {
		t.Fatal(err)
	}
	if takes != (mode&windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING != 0) {
		t.Errorf("takes control sequences: %v, in mode %#x", takes, mode)
	}
}

func TestAdministered(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if ok, err := Administered(file); !ok || err != nil {
		t.Errorf("this user's own: %v, %v", ok, err)
	}
	if ok, err := Administered(file + "x"); ok || err == nil {
		t.Errorf("what is not there: %v, %v", ok, err)
	}
}

package publish

import (
	"io"
	"os"
	"path/filepath"
)

// replace writes a file whole or not at all.
func replace(file string, mode os.FileMode, write func(w io.Writer) error) (err error) {
	out, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			out.Close()
			os.Remove(out.Name())
		}
	}()
	if err = write(out); err != nil {
		return err
	}
	if err = out.Chmod(mode); err != nil { // CreateTemp's 0600 suits neither a dist folder nor an executable
		return err
	}
	if err = out.Close(); err != nil {
		return err
	}
	return os.Rename(out.Name(), file)
}

// install copies an executable to where the host finds it. A rename puts it
// there, as a host that failed may still be running the one before.
func install(executable, file string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	in, err := os.Open(executable)
	if err != nil {
		return err
	}
	defer in.Close()
	return replace(file, 0o755, func(w io.Writer) error {
		_, err := io.Copy(w, in)
		return err
	})
}

package shell

import (
	"testing"
)

func TestAddToPath(t *testing.T) {
	for _, test := range []struct{ goos, dir, home, shell, want string }{
		{"linux", "/home/u/.local/bin", "/home/u", "/bin/bash", `add to ~/.bashrc: export PATH="$HOME/.local/bin:$PATH"`},
		{"darwin", "/Users/u/bin", "/Users/u", "/bin/zsh", `add to ~/.zshrc: export PATH="$HOME/bin:$PATH"`},
		{"linux", "/opt/bin", "/home/u", "/usr/bin/fish", `run: fish_add_path "/opt/bin"`},
		{"linux", "/opt/bin", "", "", `add to your shell's profile: export PATH="/opt/bin:$PATH"`},
		{"linux", "/home/user2/bin", "/home/u", "/bin/sh", `add to your shell's profile: export PATH="/home/user2/bin:$PATH"`},
		{"windows", `C:\Users\u\bin`, `C:\Users\u`, "", `add it to Path under Settings, "Edit environment variables for your account", and open a new terminal`},
	} {
		if got := addToPath(test.goos, test.dir, test.home, test.shell); got != test.want {
			t.Errorf("%v: %s", test, got)
		}
	}
}

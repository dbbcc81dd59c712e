package install

import (
	"io/fs"
	"testing"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/disk"
)

// A file system with modes of its own gives a file another one than was asked
// for, and would for ever: what it gave is what is expected.
func TestReceiptKnowsMode(t *testing.T) {
	var r Receipt
	for given, want := range map[fs.FileMode]fs.FileMode{placedMode: placedMode, 0o777: 0o777, 0o755 | fs.ModeSetgid: 0o755 | fs.ModeSetgid} {
		r.vouch(disk.Stat{Mode: given})
		if !executableBits {
			want = placedMode
		}
		if got := r.mode(); got != want {
			t.Errorf("placed as %v: expects %v", given, got)
		}
	}
	if got := (*Receipt)(nil).mode(); got != placedMode {
		t.Errorf("without a receipt: expects %v", got)
	}
}

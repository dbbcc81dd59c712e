package disk

import (
	"runtime"
	"syscall"
	"time"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/system"
)

// patience is how long a change is tried again that Windows refuses: as long as a
// virus scanner, an indexer or a backup has the file open.
const patience = 2 * time.Second

// again makes a change, on Windows for up to two seconds.
func again(change func() error) error {
	return retry(change, held, time.Now, time.Sleep)
}

// held reports whether a change may do once whoever has the file open has closed it:
// never but on Windows, where the two errors do not say why.
func held(err error) bool {
	return runtime.GOOS == "windows" && (system.Is(err, syscall.ETXTBSY) || system.Is(err, syscall.EACCES))
}

func retry(change func() error, held func(error) bool, now func() time.Time, sleep func(time.Duration)) error {
	for end, pause := now().Add(patience), time.Millisecond; ; pause = min(2*pause, 100*time.Millisecond) {
		err := change()
		if err == nil || !held(err) || now().Add(pause).After(end) {
			return err
		}
		sleep(pause)
	}
}

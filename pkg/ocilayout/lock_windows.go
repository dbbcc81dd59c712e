package ocilayout

import "context"

// lockFolder does nothing: Windows locks no folder, and lets nobody remove a file
// that another process has open.
func lockFolder(context.Context, string, func()) (unlock func(), err error) {
	return func() {}, nil
}

package lockfile

// syncFolder does nothing: Windows opens no folder for writing, and its rename
// is journalled.
func syncFolder(string) error { return nil }

package disk

import "golang.org/x/sys/windows"

// free takes what this user's quota leaves, and the volume's serial number.
func free(dir string) (bytes int64, dev uint64, ok bool) {
	path, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return 0, 0, false
	}
	var available uint64
	var serial uint32
	root := make([]uint16, windows.MAX_LONG_PATH)
	if windows.GetDiskFreeSpaceEx(path, &available, nil, nil) != nil ||
		windows.GetVolumePathName(path, &root[0], uint32(len(root))) != nil ||
		windows.GetVolumeInformation(&root[0], nil, 0, &serial, nil, nil, nil, 0) != nil {
		return 0, 0, false
	}
	return int64(available), uint64(serial), true
}

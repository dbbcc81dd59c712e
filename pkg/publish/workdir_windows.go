package publish

import "os"

// workdir makes a folder in dist for one build. What a killed one left stays, as
// Windows locks no folder that would tell.
func workdir(dist string) (dir string, done func(), err error) {
	dir, err = os.MkdirTemp(dist, workdirPrefix)
	return dir, func() { os.RemoveAll(dir) }, err
}

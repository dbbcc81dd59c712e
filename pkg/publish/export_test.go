package publish

// Pack is for tests of what all archives are made by.
var Pack = packFile

// Sum is for tests of what stands beside an archive.
func (a Archive) Sum() string { return a.sum() }

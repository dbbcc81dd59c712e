package peers

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// platforms are what every release of these tests offers.
var platforms = []string{"linux/amd64", "linux/arm64", "darwin/arm64"}

// engines are what a driver serves.
var engines = map[string]string{
	"postgres": "postgres,postgresql,cockroachdb",
	"mysql":    "mysql,mariadb",
}

// foreign is a version of a driver that no host understands.
const foreign = "0.3.0-protocol.2"

var linking sync.Mutex

// driver gives the path of a real driver's executable, and links it where no
// test asked for it before.
func driver(t *testing.T, name, version, platform string) string {
	t.Helper()
	linking.Lock()
	defer linking.Unlock()
	goos, goarch, _ := strings.Cut(platform, "/")
	path := filepath.Join(suite.drivers, strings.Join([]string{"schemahero", name, version, goos, goarch}, "-"))
	if _, err := os.Stat(path); err == nil {
		return path
	}
	flags := "-s -w -X main.name=" + name + " -X main.version=" + version + " -X main.engines=" + engines[name]
	if version == foreign {
		flags += " -X main.protocol=2"
	}
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", flags, "-o", path, ".")
	cmd.Dir = filepath.Join("..", "driver")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+goos, "GOARCH="+goarch)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build the driver for %s: %v\n%s", platform, err, out)
	}
	return path
}

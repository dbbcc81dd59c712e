package plugins_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/plugins"
)

// A host fetches the driver that it does not find locally. The file is checked
// against its digest and checksum, and stays until a later Download of the
// driver replaces it.
func Example() {
	// For the example: an empty home, and a registry that holds the driver. A
	// program leaves both as they are.
	home, err := os.MkdirTemp("", "home")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(home)
	stop := exampleRegistry("postgres", "0.1.0")
	defer stop()
	os.Setenv("SCHEMAHERO_PLUGIN_HOME", home)

	options, err := plugins.DefaultOptions()
	if err != nil {
		log.Fatal(err)
	}
	driver := filepath.Join(options.Home, "plugins", options.Platform.Executable("postgres"))
	if _, err := os.Stat(driver); os.IsNotExist(err) {
		report, err := plugins.Download(context.Background(), options, plugins.DownloadOptions{Name: "postgres", Constraint: "^0.1"})
		if err != nil {
			log.Fatal(err)
		}
		for _, it := range report.Items {
			fmt.Println(it.Name, it.Version, it.Action)
		}
	}
	fmt.Println(strings.TrimSuffix(filepath.Base(driver), ".exe"))
	// Output:
	// postgres 0.1.0 installed
	// schemahero-postgres
}

// A CI job makes its machine match the lock that the project committed.
func ExampleProject_Sync() {
	options, err := plugins.DefaultOptions()
	if err != nil {
		log.Fatal(err)
	}
	file, err := plugins.FindManifest(".")
	if err != nil {
		fmt.Println(err)
		return
	}
	project, err := plugins.Open(file, options)
	if err != nil {
		log.Fatal(err)
	}
	report, err := project.Sync(context.Background(), plugins.SyncOptions{Locked: true})
	if err != nil {
		log.Fatal(err)
	}
	for _, it := range report.Items {
		fmt.Println(it.Name, it.Version, it.Action)
	}
}

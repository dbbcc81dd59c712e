package peers

import (
	"encoding/xml"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// conformance is OCI's own suite for registries. It stands at a commit, since its
// releases are of the time before it was written again.
var conformance = peer{module: "github.com/opencontainers/distribution-spec/conformance", version: "v0.0.0-20260831232431-97274622c111"}

// mayFail names the cases that serve is not held to, each with the reason in
// docs/air-gap.md.
var mayFail = []string{}

// TestConformance holds serve to the distribution specification: pull, push, tags
// and referrers, with SHA-256 and without deletion.
func TestConformance(t *testing.T) {
	addr, _ := startServe(t)
	results := t.TempDir()
	run := command(t, results, append(environment(t.TempDir()),
		"OCI_REGISTRY="+addr, "OCI_TLS=disabled", "OCI_VERSION=1.1", "OCI_RESULTS_DIR="+results,
		"OCI_API_BLOBS_DELETE=false", "OCI_API_MANIFESTS_DELETE=false", "OCI_API_TAGS_DELETE=false", "OCI_DATA_SHA512=false",
	), "", conformance.built(t))
	data, err := os.ReadFile(filepath.Join(results, "junit.xml"))
	if err != nil {
		t.Fatal(err, run.stderr)
	}
	var suites struct {
		Tests  int `xml:"tests,attr"`
		Suites []struct {
			Cases []struct {
				Name   string `xml:"name,attr"`
				Status string `xml:"status,attr"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(data, &suites); err != nil {
		t.Fatal(err)
	}
	passed := 0
	for _, s := range suites.Suites {
		for _, c := range s.Cases {
			switch {
			case c.Status == "passed":
				passed++
			case c.Status == "failure" && !slices.Contains(mayFail, c.Name):
				t.Errorf("%s fails", c.Name)
			}
		}
	}
	if passed < 400 {
		t.Errorf("%d cases of %d pass: what else ran?", passed, suites.Tests)
	}
	t.Logf("%d cases of %d pass", passed, suites.Tests)
}

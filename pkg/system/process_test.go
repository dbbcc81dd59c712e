package system

import (
	"os"
	"os/exec"
	"testing"
)

// TestMain ends at once where TestRuns starts it.
func TestMain(m *testing.M) {
	if os.Getenv("SYSTEM_TEST_ENDS") != "" {
		os.Exit(259) // what Windows answers for the exit code of a process that runs
	}
	os.Exit(m.Run())
}

func TestRuns(t *testing.T) {
	if !Runs(os.Getpid()) {
		t.Error("this process runs")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command(self)
	child.Env = append(os.Environ(), "SYSTEM_TEST_ENDS=1")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	held, err := os.FindProcess(child.Process.Pid) // on Windows a handle of its own
	if err != nil {
		t.Fatal(err)
	}
	defer held.Release()
	if err := child.Wait(); err == nil {
		t.Fatal("the child did not end as told")
	}
	if Runs(child.Process.Pid) {
		t.Error("a process that has ended runs")
	}
}

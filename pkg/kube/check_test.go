package kube

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	"k8s.io/apimachinery/pkg/util/yaml"
)

const (
	home      = "/home/schemahero-manager/.schemahero/plugins"
	locked    = "sha256:1111111111111111111111111111111111111111111111111111111111111111"
	elsewhere = "sha256:2222222222222222222222222222222222222222222222222222222222222222"
)

func folders() []string {
	return []string{"/plugins/bin", home, "/usr/local/lib/schemahero/plugins", "/var/lib/schemahero/plugins"}
}

// podOf parses the spec and status of a running pod.
func podOf(t *testing.T, text string) pod {
	t.Helper()
	p := pod{}
	p.Status.Phase = "Running"
	p.Metadata.Namespace, p.Metadata.Name, p.Metadata.Labels = "app", "main-controller-0", map[string]string{databaseLabel: "main"}
	if err := yaml.Unmarshal([]byte(text), &p); err != nil {
		t.Fatal(err)
	}
	return p
}

// What a pod runs, by what it mounts and what the kubelet says.
func TestStates(t *testing.T) {
	volume := func(reference string) string { return "{name: d, image: {reference: " + reference + "}}" }
	mounted := func(volumes, mounts string) string {
		return "spec: {volumes: [" + volumes + "], containers: [{name: sidecar, image: x}, {name: manager, image: m, volumeMounts: [" + mounts + "]}]}"
	}
	at := func(path string) string { return "{name: d, mountPath: " + path + "}" }
	filled := func(images ...string) string {
		text := "spec: {volumes: [{name: d, emptyDir: {}}], containers: [{name: manager, image: m, volumeMounts: [" + at(home) + "]}], initContainers: ["
		for _, i := range images {
			text += "{name: " + i[:1] + ", image: " + i + ", volumeMounts: [{name: d, mountPath: /drivers}]},"
		}
		return text + "]}"
	}
	stock := "spec: {containers: [{name: manager, image: 'm:0.25.0'}]}"
	for name, c := range map[string]struct {
		pod    string
		custom bool
		want   State
		image  string
		mount  string
	}{
		"the lock's image":             {mounted(volume("r/d@"+locked), at(home)), false, Locked, "r/d@" + locked, home},
		"at another of the folders":    {mounted(volume("r/d@"+locked), at("/var/lib/schemahero/plugins")), false, Locked, "r/d@" + locked, "/var/lib/schemahero/plugins"},
		"a path with a slash behind":   {mounted(volume("r/d@"+locked), at(home+"/")), false, Locked, "r/d@" + locked, home},
		"from another repository":      {mounted(volume("mirror/x/d@"+locked), at(home)), true, Locked, "mirror/x/d@" + locked, home},
		"another digest":               {mounted(volume("r/d@"+elsewhere), at(home)), false, Other, "r/d@" + elsewhere, home},
		"a tag":                        {mounted(volume("r/d:1"), at(home)), false, Other, "r/d:1", home},
		"a tag that the kubelet read":  {mounted(volume("r/d:1"), at(home)) + "\nstatus: {phase: Running, containerStatuses: [{name: manager, volumeMounts: [{name: d, volumeStatus: {image: {imageRef: r/d@" + locked + "}}}]}]}", false, Locked, "r/d:1", home},
		"a folder of the image":        {mounted(volume("r/d@"+locked), "{name: d, mountPath: "+home+", subPath: x}"), false, Other, "", home},
		"where the host does not look": {mounted(volume("r/d@"+locked), at("/drivers")), false, Unlocked, "m", ""},
		"not in the manager":           {"spec: {volumes: [" + volume("r/d@"+locked) + "], containers: [{name: sidecar, volumeMounts: [" + at(home) + "]}, {name: manager, image: m}]}", false, Unlocked, "m", ""},
		"an earlier folder comes first": {mounted(volume("r/d@"+locked)+", {name: v, persistentVolumeClaim: {claimName: x}}", at(home)+", {name: v, mountPath: /plugins/bin}"),
			false, Other, "", "/plugins/bin"},
		"a later one does not count": {mounted(volume("r/d@"+locked)+", {name: v, hostPath: {path: /x}}", "{name: v, mountPath: /usr/local/lib/schemahero/plugins}, "+at(home)), false, Locked, "r/d@" + locked, home},
		"one file over it":           {mounted(volume("r/d@"+locked)+", {name: v, configMap: {name: x}}", at(home)+", {name: v, mountPath: "+home+"/schemahero-postgres, subPath: x}"), false, Other, "", home + "/schemahero-postgres"},
		"one file before all":        {mounted(volume("r/d@"+locked)+", {name: v, configMap: {name: x}}", at(home)+", {name: v, mountPath: /schemahero-postgres, subPath: x}"), false, Other, "", "/schemahero-postgres"},
		"a volume around it":         {mounted("{name: v, persistentVolumeClaim: {claimName: x}}", "{name: v, mountPath: /home/schemahero-manager}"), false, Other, "", "/home/schemahero-manager"},
		"one around, and it":         {mounted(volume("r/d@"+locked)+", {name: v, persistentVolumeClaim: {claimName: x}}", "{name: v, mountPath: /home/schemahero-manager}, "+at(home)), false, Locked, "r/d@" + locked, home},
		"an empty one around it":     {mounted("{name: v, emptyDir: {}}", "{name: v, mountPath: /home}"), false, Unlocked, "m", ""},
		"an empty one there":         {mounted("{name: d, emptyDir: {}}", at(home)), false, Unlocked, "", home},
		"a volume that is not there": {mounted("", at(home)), false, Other, "", home},
		"filled from the image":      {filled("copier:1", "r/d@"+locked), false, Locked, "r/d@" + locked, home},
		"filled from another":        {filled("copier@"+elsewhere, "r/d@"+elsewhere), false, Other, "r/d@" + elsewhere, home},
		"filled, by a tag":           {filled("d:1") + "\nstatus: {phase: Running, initContainerStatuses: [{name: d, imageID: r/d@" + locked + "}]}", false, Locked, "d:1", home},
		"the operator's image":       {stock, false, Unlocked, "m:0.25.0", ""},
		"an image of its own":        {stock, true, Other, "m:0.25.0", ""},
		"with a base":                {"spec: {containers: [{name: manager, image: 'r/m@" + locked + "'}]}", true, Locked, "r/m@" + locked, ""},
		"with a base, by a tag":      {stock + "\nstatus: {phase: Running, containerStatuses: [{name: manager, imageID: r/m@" + locked + "}]}", true, Locked, "m:0.25.0", ""},
		"no manager":                 {"spec: {containers: [{name: x, image: m}]}", false, Unlocked, "m", ""},
		"no container":               {"{}", false, Unlocked, "", ""},
		"not started":                {mounted(volume("r/d@"+locked), at(home)) + "\nstatus: {phase: Pending}", false, Pending, "r/d@" + locked, home},
		"leaving":                    {stock + "\nmetadata: {deletionTimestamp: '2026-11-28T15:00:00Z'}", false, Pending, "", ""},
		"ended":                      {stock + "\nstatus: {phase: Failed}", false, Pending, "", ""},
		"its node is lost":           {stock + "\nstatus: {phase: Unknown}", false, Unlocked, "m:0.25.0", ""},
	} {
		cluster := Cluster{databases: []Database{{Namespace: "app", Name: "main", Engines: []string{"postgres"}}}, pods: []pod{podOf(t, c.pod)}}
		if c.custom {
			cluster.databases[0].Image = "set"
		}
		got, err := cluster.Check(Lock{
			Drivers: []Driver{{Name: "postgres", Version: "1.2.3"}}, Folders: folders(), Manager: locked,
			Image: func() (digest.Digest, error) { return locked, nil },
		})
		want := []Finding{{Namespace: "app", Name: "main", Engines: []string{"postgres"}, Driver: "postgres", Version: "1.2.3", State: c.want, Image: c.image, Mount: c.mount}}
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v\ngot  %+v\nwant %+v", name, err, got, want)
		}
	}
}

// Of several pods the worst counts, and those of other Databases do not.
func TestWorstPodCounts(t *testing.T) {
	good := podOf(t, "spec: {volumes: [{name: d, image: {reference: r/d@"+locked+"}}], containers: [{name: manager, volumeMounts: [{name: d, mountPath: "+home+"}]}]}")
	bad := podOf(t, "spec: {containers: [{name: manager, image: m}]}")
	waiting := good
	waiting.Status.Phase = "Pending"
	others := podOf(t, "metadata: {labels: {database: other}}\nspec: {containers: [{name: manager, image: m}]}")
	elsewhere := podOf(t, "metadata: {namespace: b}\nspec: {containers: [{name: manager, image: m}]}")
	lock := Lock{Drivers: []Driver{{Name: "postgres"}}, Folders: folders(), Image: func() (digest.Digest, error) { return locked, nil }}
	for want, pods := range map[State][]pod{
		Locked:   {others, good, good, elsewhere},
		Pending:  {good, waiting, good},
		Unlocked: {good, bad, waiting},
	} {
		c := Cluster{databases: []Database{{Namespace: "app", Name: "main", Engines: []string{"postgres"}}}, pods: pods}
		if got, err := c.Check(lock); err != nil || got[0].State != want {
			t.Errorf("%s: %+v, %v", want, got, err)
		}
	}
}

// Which driver is the lock's for a Database, and which none needs.
func TestDriversOfDatabases(t *testing.T) {
	drivers := []Driver{
		{Name: "mysql", Version: "1.0.0"}, {Name: "oracle", Version: "2.0.0"}, {Name: "postgres", Version: "0.1.2"},
		{Name: "timescaledb", Version: "0.1.0", Requires: []string{"postgres", "schemahero"}},
	}
	aliased := []Driver{{Name: "postgres", Version: "0.1.2", Aliases: []string{"cockroachdb"}}}
	for name, c := range map[string]struct {
		engines []string
		drivers []Driver
		want    []string // driver, version, state, and what is unused
		problem string
	}{
		"its own":             {[]string{"mysql"}, drivers, []string{"mysql 1.0.0 pending", "oracle", "postgres", "timescaledb"}, ""},
		"what that requires":  {[]string{"timescaledb"}, drivers, []string{"timescaledb 0.1.0 pending", "mysql", "oracle"}, ""},
		"by an alias":         {[]string{"cockroachdb"}, aliased, []string{"postgres 0.1.2 pending"}, ""},
		"without the alias":   {[]string{"cockroachdb"}, drivers, []string{"postgres  missing", "mysql", "oracle", "timescaledb"}, ""},
		"not locked":          {[]string{"sqlite"}, aliased, []string{"sqlite  missing", "postgres"}, ""},
		"no engine":           {nil, nil, []string{"  missing"}, "app/main: its connection names no engine"},
		"two engines":         {[]string{"mysql", "postgres"}, drivers, []string{"mysql 1.0.0 pending", "oracle", "postgres", "timescaledb"}, "app/main: names the engines mysql, postgres; SchemaHero takes mysql"},
		"nobody's engine":     {[]string{"db2"}, aliased, []string{"db2  missing", "postgres"}, `app/main: SchemaHero has no engine "db2"`},
		"somebody's, locked":  {[]string{"oracle"}, drivers, []string{"oracle 2.0.0 pending", "mysql", "postgres", "timescaledb"}, `app/main: SchemaHero has no engine "oracle"`},
		"nothing at all":      {[]string{"mysql"}, nil, []string{"mysql  missing"}, ""},
		"an alias of another": {[]string{"postgres"}, []Driver{{Name: "pg", Version: "9.0.0", Aliases: []string{"postgres"}}}, []string{"pg 9.0.0 pending"}, ""},
	} {
		cluster := Cluster{databases: []Database{{Namespace: "app", Name: "main", Engines: c.engines}}}
		found, err := cluster.Check(Lock{Drivers: c.drivers, Folders: folders()})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range found {
			if f.State == Unused {
				got = append(got, f.Driver)
				continue
			}
			got = append(got, strings.Join([]string{f.Driver, f.Version, string(f.State)}, " "))
			if p, bad := f.Problem(); bad != (c.problem != "") || bad && p.String() != c.problem {
				t.Errorf("%s: %v %q", name, bad, p)
			}
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

// What becomes of a new pod, by what the API server made of one.
func TestPolicies(t *testing.T) {
	mounting := func(reference string) next {
		p := podOf(t, "spec: {volumes: [{name: d, image: {reference: "+reference+"}}], containers: [{name: manager, volumeMounts: [{name: d, mountPath: "+home+"}]}]}")
		return next{pod: &p}
	}
	bare := podOf(t, "spec: {containers: [{name: manager, image: m}]}")
	locking, others := mounting("r/d@"+locked), mounting("r/d@"+elsewhere)
	locking.policy, locking.text = Unknown, "may not create statefulsets"
	for _, c := range []struct {
		next next
		want Policy
		text string
	}{
		{mounting("r/d@" + locked), Acts, ""},
		{locking, Acts, ""}, // the StatefulSet was not asked about, and need not be
		{others, Outdated, ""},
		{next{pod: &bare}, Absent, ""},
		{next{pod: &bare, policy: Unknown, text: "may not"}, Unknown, "may not"},
		{next{policy: Refuses, text: "no"}, Refuses, "no"},
		{next{policy: Unknown, text: "no"}, Unknown, "no"},
	} {
		d := Database{Namespace: "app", Name: "main", Engines: []string{"mysql"}}
		cluster := Cluster{databases: []Database{d}, next: map[[2]string]next{d.key(): c.next}}
		got, err := cluster.Check(Lock{Drivers: []Driver{{Name: "mysql"}}, Folders: folders(), Image: func() (digest.Digest, error) { return locked, nil }})
		if err != nil || got[0].Policy != c.want || got[0].Refusal != c.text {
			t.Errorf("%+v: %+v, %v", c.next, got, err)
		}
	}
}

// The digest of the lock's image is asked for only if a pod has an image mounted:
// it may not be known.
func TestImageIsAskedForLate(t *testing.T) {
	unknown := errors.New("unknown")
	lock := Lock{Drivers: []Driver{{Name: "mysql"}}, Folders: folders(), Image: func() (digest.Digest, error) { return "", unknown }}
	c := Cluster{databases: []Database{{Namespace: "app", Name: "main", Engines: []string{"mysql"}}}}
	for text, want := range map[string]error{
		"spec: {containers: [{name: manager, image: m@" + locked + "}]}":                                                                                                                    nil,
		"spec: {volumes: [{name: d, image: {reference: r/d@" + locked + "}}], containers: [{name: manager, volumeMounts: [{name: d, mountPath: " + home + "}]}]}":                           unknown,
		"spec: {volumes: [{name: d, image: {reference: 'r/d:1'}}], containers: [{name: manager, volumeMounts: [{name: d, mountPath: " + home + "}]}]}":                                      nil,
		"status: {phase: Pending}\nspec: {volumes: [{name: d, image: {reference: r/d@" + locked + "}}], containers: [{name: manager, volumeMounts: [{name: d, mountPath: " + home + "}]}]}": nil,
	} {
		c.pods = []pod{podOf(t, text)}
		if _, err := c.Check(lock); !errors.Is(err, want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

package kit

import "testing"

func TestPlan(t *testing.T) {
	yes, empty, quoted := true, emptyDefault, "it's"
	columns := []*Column{
		{Name: "id", Type: "integer", Constraints: &Constraints{NotNull: &yes}},
		{Name: "login", Type: "varchar(255)", Default: &empty},
		{Name: "motto", Type: "text", Default: &quoted},
	}
	for name, c := range map[string]struct {
		schema any
		want   string
	}{
		"postgres": {&Postgres{PrimaryKey: []string{"id"}, Columns: columns},
			`create table "users" ("id" integer not null, "login" varchar(255) default '', "motto" text default 'it''s', primary key ("id"))`},
		"mysql": {&MySQL{Columns: columns[:1]}, "create table `users` (`id` integer not null)"},
	} {
		got, err := plan("users", c.schema)
		if err != nil || len(got) != 1 || got[0] != c.want {
			t.Errorf("%s: got %q, %v; want %q", name, got, err, c.want)
		}
	}
	if got, err := plan("users", &SQLite{IsDeleted: true}); err != nil || len(got) != 0 {
		t.Errorf("deleted table: got %q, %v", got, err)
	}
	if _, err := plan("users", nil); err == nil {
		t.Error("no schema: no error")
	}
}

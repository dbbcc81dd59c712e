// Package kube tells which drivers SchemaHero's own objects need, as they stand in
// YAML files or in a cluster, and what the pods run that its operator makes for
// them. Of a connection only the name of its engine is read: its values can be
// secrets.
package kube

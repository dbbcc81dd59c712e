// Package plugins is SchemaHero's plugin manager as a library: a Project is a
// manifest with its lock, and its methods are what the command line offers.
// Nothing here prints or reads the environment, but DefaultOptions, which is
// for programs that embed the package.
package plugins

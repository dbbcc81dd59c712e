package cli

import "github.com/spf13/cobra"

func (a *app) outdatedCommand() *cobra.Command { return &cobra.Command{Use: "outdated"} }
func (a *app) versionsCommand() *cobra.Command { return &cobra.Command{Use: "versions"} }
func (a *app) whyCommand() *cobra.Command      { return &cobra.Command{Use: "why"} }

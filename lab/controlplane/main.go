// Command controlplane is a whole Kubernetes control plane in one binary: its
// first argument names the component to run. One binary shares the packages
// that the components have in common, so it is built once and stays small.
//
// Two commands beside the components serve the lab itself: keys and reap.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	kubectl "k8s.io/kubectl/pkg/cmd"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
)

// commands are the components that are cobra commands; etcd has its own main.
var commands = map[string]func() *cobra.Command{
	"kube-apiserver":          apiserver.NewAPIServerCommand,
	"kube-controller-manager": controllers.NewControllerManagerCommand,
	"kube-scheduler":          func() *cobra.Command { return scheduler.NewSchedulerCommand() },
	"kubectl":                 kubectl.NewDefaultKubectlCommand,
}

const usage = `usage: controlplane COMMAND ARGS…
  etcd | kube-apiserver | kube-controller-manager | kube-scheduler | kubectl
  keys FOLDER   writes certificates and keys for an API server on loopback
  reap          ends the processes named on its input once that is closed`

func main() {
	if len(os.Args) < 2 {
		fail(usage)
	}
	component := filepath.Base(os.Args[1])
	os.Args = os.Args[1:]
	switch component {
	case "etcd":
		etcdmain.Main(os.Args)
	case "reap":
		reap(os.Stdin)
	case "keys":
		if len(os.Args) != 2 {
			fail(usage)
		}
		if err := writeKeys(os.Args[1]); err != nil {
			fail(err.Error())
		}
	default:
		command, known := commands[component]
		if !known {
			fail(fmt.Sprintf("no component %q\n%s", component, usage))
		}
		os.Exit(cli.Run(command()))
	}
}

func fail(why string) {
	fmt.Fprintln(os.Stderr, "controlplane: "+why)
	os.Exit(2)
}

package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
)

// reap waits until its standard input is closed, which the kernel does when
// the lab's owner is gone for whatever reason, and then kills what the lines
// read until then named: each a process-group leader's id and its start time.
// A line "keep" lets everything live on.
func reap(input io.Reader) {
	var lines []string
	for scanner := bufio.NewScanner(input); scanner.Scan(); {
		if scanner.Text() == "keep" {
			return
		}
		lines = append(lines, scanner.Text())
	}
	for _, line := range lines {
		var pid int
		var start string
		if n, _ := fmt.Sscan(line, &pid, &start); n == 2 && startOf(pid) == start {
			_ = syscall.Kill(-pid, syscall.SIGKILL)
		}
	}
}

// startOf gives the start time of a process in clock ticks since boot, as the
// kernel writes it; empty if there is no such process. Ids are used again,
// pairs of id and start time are not.
func startOf(pid int) string {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	text := string(stat)
	// The command, in parentheses, may hold blanks; what follows it may not.
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	if len(fields) <= 19 {
		return ""
	}
	return fields[19]
}

package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// supervisor starts the parts as child processes, and ends them.
type supervisor struct {
	program string // this program's own file
	dir     string // working directory of the parts; their logs are in dir/logs
	// The children inherit the reading end; the writing end is only held open. See endWithParent.
	lifeline, held *os.File
	parts          []*part
	ended          chan *part // each part that ends, for whatever reason
}

type part struct {
	name    string
	command *exec.Cmd
	gone    chan struct{}
	killed  bool // by the supervisor: its end is no failure
}

func newSupervisor(dir string) (*supervisor, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	lifeline, held, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	return &supervisor{program: program, dir: dir, lifeline: lifeline, held: held, ended: make(chan *part, 64)}, nil
}

func (s *supervisor) log(name string) string {
	return filepath.Join(s.dir, "logs", name+".log")
}

// start runs one part. The inherited files get the numbers from listenerFile on.
func (s *supervisor) start(name string, inherited []*os.File, args ...string) error {
	log, err := os.OpenFile(s.log(name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	command := exec.Command(s.program, append([]string{name}, args...)...)
	command.Stdout, command.Stderr, command.Dir = log, log, s.dir
	command.ExtraFiles = append([]*os.File{s.lifeline}, inherited...)
	// Ctrl-C in a terminal reaches "up" alone, which then ends its parts.
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := command.Start(); err != nil {
		return fmt.Errorf("starting %s: %w", name, err)
	}
	p := &part{name: name, command: command, gone: make(chan struct{})}
	s.parts = append(s.parts, p)
	go func() {
		_ = command.Wait()
		close(p.gone)
		s.ended <- p
	}()
	return nil
}

// kill ends the part of that name and waits until it is gone.
func (s *supervisor) kill(name string) {
	for i, p := range s.parts {
		if p.name == name {
			p.killed = true
			_ = p.command.Process.Kill()
			<-p.gone
			s.parts = append(s.parts[:i], s.parts[i+1:]...)
			return
		}
	}
}

// killAll ends all parts. Nothing of a test cluster is kept, so nothing need end gently.
func (s *supervisor) killAll() {
	for _, p := range s.parts {
		p.killed = true
		_ = p.command.Process.Kill()
	}
	for _, p := range s.parts {
		<-p.gone
	}
}

func (s *supervisor) pids() map[string]int {
	pids := map[string]int{}
	for _, p := range s.parts {
		pids[p.name] = p.command.Process.Pid
	}
	return pids
}

// failure is the error for a part that ended by itself; nil if the supervisor ended it.
func (s *supervisor) failure(p *part) error {
	if p.killed {
		return nil
	}
	return fmt.Errorf("%s ended: %s\n%s", p.name, p.command.ProcessState, tail(s.log(p.name)))
}

// tail is the end of a log, as much as an error message can carry.
func tail(file string) string {
	const most = 4000
	f, err := os.Open(file)
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > most {
		_, _ = f.Seek(-most, io.SeekEnd)
	}
	text, _ := io.ReadAll(f)
	return string(text)
}

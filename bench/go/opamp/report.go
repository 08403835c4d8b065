package main

import (
	"bufio"
	"encoding/json"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"
)

// answerQuestions writes a report as a line of JSON for each line on standard input, and returns at its end: a client
// ends with the benchmark that started it.
func answerQuestions(report func(question string) any) {
	questions := bufio.NewScanner(os.Stdin)
	answers := json.NewEncoder(os.Stdout)
	for questions.Scan() {
		if answers.Encode(report(questions.Text())) != nil {
			return
		}
	}
}

// cpuSeconds is what this process has used of the processors.
func cpuSeconds() float64 {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		return 0
	}
	seconds := func(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }
	return seconds(usage.Utime) + seconds(usage.Stime)
}

// requests are those since the last question.
type requests struct {
	mutex sync.Mutex
	// seconds are of those answered well: a refusal is fast, and counts as what it is.
	seconds []float64
	answers map[string]int
}

// add counts an answer: a status, "resumed", or what kind of error there was.
func (r *requests) add(answer string, took time.Duration) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if answer == "200" || answer == "resumed" {
		r.seconds = append(r.seconds, took.Seconds())
	}
	r.answers[answer]++
}

// report is about the requests since the last one.
func (r *requests) report() any {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	slices.Sort(r.seconds)
	at := func(part float64) float64 {
		if len(r.seconds) == 0 {
			return 0
		}
		return r.seconds[int(part*float64(len(r.seconds)-1))]
	}
	report := map[string]any{
		"p50": at(0.5), "p99": at(0.99), "max": at(1), "answers": r.answers,
		"cpuSeconds": cpuSeconds(),
	}
	r.seconds, r.answers = nil, map[string]int{}
	return report
}

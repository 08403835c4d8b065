package main

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// listeners read live events, and count how late each comes.
func listeners(args []string) error {
	flags := flag.NewFlagSet("listeners", flag.ExitOnError)
	to := dialFlags(flags)
	count := flags.Int("count", 5, "listeners")
	if err := flags.Parse(args); err != nil {
		return err
	}
	dial, err := to.dialer()
	if err != nil {
		return err
	}
	all := &requests{answers: map[string]int{}}
	for range *count {
		go func() {
			if err := listen(to, dial, all); err != nil {
				all.add(kindOf(err), 0)
			}
		}()
	}
	answerQuestions(func(string) any { return all.report() })
	return nil
}

func listen(to *target, dial dialer, all *requests) error {
	listener := &http.Client{Transport: transport(dial)}
	response, err := listener.Get("https://" + to.name + "/events")
	if err != nil {
		return err
	}
	defer response.Body.Close()
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		text, isData := strings.CutPrefix(lines.Text(), "data: ")
		if !isData {
			continue
		}
		sent, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return err
		}
		all.add("200", time.Since(time.Unix(0, sent)))
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return io.ErrUnexpectedEOF
}

// transfer downloads or uploads and ends.
func transfer(args []string) error {
	flags := flag.NewFlagSet("transfer", flag.ExitOnError)
	to := dialFlags(flags)
	size := flags.Int64("bytes", 1<<30, "of each transfer")
	times := flags.Int("times", 1, "how often, one after the other")
	upload := flags.Bool("upload", false, "upload in place of a download")
	if err := flags.Parse(args); err != nil {
		return err
	}
	dial, err := to.dialer()
	if err != nil {
		return err
	}
	client := &http.Client{Transport: transport(dial)}
	begin := time.Now()
	var failed error
	for range *times {
		if *upload {
			failed = uploadOnce(client, "https://"+to.name+"/upload", *size)
		} else {
			failed = downloadOnce(client, fmt.Sprintf("https://%s/download?bytes=%d", to.name, *size), *size)
		}
		if failed != nil {
			break
		}
	}
	answer := ""
	if failed != nil {
		answer = kindOf(failed)
	}
	report := map[string]any{"seconds": time.Since(begin).Seconds(), "failure": answer, "cpuSeconds": cpuSeconds()}
	answerQuestions(func(string) any { return report })
	return nil
}

func downloadOnce(client *http.Client, url string, size int64) error {
	response, err := client.Get(url)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%d", response.StatusCode)
	}
	got, err := io.Copy(io.Discard, response.Body)
	if err == nil && got != size {
		err = io.ErrUnexpectedEOF
	}
	return err
}

func uploadOnce(client *http.Client, url string, size int64) error {
	request, err := http.NewRequest("POST", url, io.LimitReader(anything{}, size))
	if err != nil {
		return err
	}
	request.ContentLength = size
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%d", response.StatusCode)
	}
	if string(bytes.TrimSpace(text)) != strconv.FormatInt(size, 10) {
		return fmt.Errorf("only %s bytes arrived", bytes.TrimSpace(text))
	}
	return nil
}

// anything has no end, and costs nothing to make.
type anything struct{}

func (anything) Read(buffer []byte) (int, error) {
	return len(buffer), nil
}

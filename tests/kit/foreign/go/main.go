// A small service in Go that keeps the specification.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func log(text string) {
	line, _ := json.Marshal(map[string]interface{}{
		"Timestamp": time.Now().UnixNano(), "Type": "app.log", "Logger": "service", "Hostname": "test", "EnvVersion": "2.0",
		"Severity": 6, "Pid": os.Getpid(), "Fields": map[string]string{"msg": text},
	})
	fmt.Println(string(line))
}

func main() {
	http.HandleFunc("/__lbheartbeat__", func(w http.ResponseWriter, r *http.Request) {})
	http.HandleFunc("/__heartbeat__", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, `{"status":"ok"}`) })
	http.HandleFunc("/__version__", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, "/app/version.json") })
	http.HandleFunc("/hello.txt", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "hello") })
	server := &http.Server{Addr: ":" + os.Getenv("PORT")}
	ending, _ := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	go func() {
		<-ending.Done()
		server.Shutdown(context.Background())
	}()
	log("listening")
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		log(err.Error())
		os.Exit(1)
	}
}

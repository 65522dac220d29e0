#define _GNU_SOURCE
#include "arena.h"
#include "futex.h"
#include "operations.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- Frames of 1 MiB by pipes and sockets: the writer stores every byte, and each reader loads every byte. ---- */

enum { BYTES = 1 << 20, WORDS = BYTES / 8, MOST_READERS = 8 };

static void transfer(int fd, char* frame, bool writes)
{
    for (size_t done = 0; done < BYTES;)
    {
        ssize_t part = writes ? write(fd, frame + done, BYTES - done) : read(fd, frame + done, BYTES - done);
        check(part > 0 ? 0 : -1, writes ? "write" : "read");
        done += (size_t)part;
    }
}

static int64_t sum_of(const int64_t* words)
{
    int64_t all = 0;
    for (int i = 0; i < WORDS; i++)
    {
        all += words[i];
    }

    return all;
}

static void receive(int fd, long count, bool touches)
{
    int64_t* frame = malloc(BYTES);
    memset(frame, 1, BYTES);
    for (long i = 1; i <= count; i++)
    {
        transfer(fd, (char*)frame, false);
        if (touches && sum_of(frame) != i * WORDS)
        {
            _exit(1);
        }
    }

    _exit(0);
}

static void make_channel(int ends[2], bool is_pipe)
{
    if (is_pipe)
    {
        check(pipe2(ends, O_CLOEXEC), "pipe2");
        (void)fcntl(ends[1], F_SETPIPE_SZ, BYTES); /* as large as this user may have it */
        return;
    }

    int size = BYTES;
    check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), "socketpair");
    check(setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof size), "setsockopt");
}

static void send_frames(Request request, bool is_pipe, bool touches)
{
    int ends[MOST_READERS][2];
    for (long i = 0; i < request.number; i++)
    {
        make_channel(ends[i], is_pipe);
        pid_t child = fork();
        check(child, "fork");
        if (child == 0)
        {
            receive(ends[i][0], request.count, touches);
        }
    }

    int64_t* frame = malloc(BYTES);
    memset(frame, 1, BYTES);
    int64_t start = now();
    for (long number = 1; number <= request.count; number++)
    {
        for (int i = 0; touches && i < WORDS; i++)
        {
            frame[i] = number;
        }

        for (long i = 0; i < request.number; i++)
        {
            transfer(ends[i][1], (char*)frame, true);
        }
    }

    int status = 0;
    for (long i = 0; i < request.number; i++)
    {
        check(wait(&status), "wait");
        check(status == 0 ? 0 : -1, "reader");
    }

    reply(now() - start);
    free(frame);
    for (long i = 0; i < request.number; i++)
    {
        close(ends[i][0]);
        close(ends[i][1]);
    }
}

void pipe_send(Request request) { send_frames(request, true, true); }
void pipe_pass(Request request) { send_frames(request, true, false); }
void socket_send(Request request) { send_frames(request, false, true); }
void socket_pass(Request request) { send_frames(request, false, false); }

/* ---- Frames of 64 bytes: a word that counts them, and behind it the bytes. ---- */

enum { SMALL = 64 };

static int32_t seen;
static char copy_of_frame[SMALL];

static void nothing(void* word)
{
    (void)word;
}

static void post(void* word)
{
    memcpy((char*)word + SMALL, copy_of_frame, SMALL);
    __atomic_fetch_add((int32_t*)word, 1, __ATOMIC_SEQ_CST);
    futex_wake_up(word, INT32_MAX);
}


static void take(void* word, bool sleeps)
{
    int32_t count;
    while ((count = __atomic_load_n((int32_t*)word, __ATOMIC_ACQUIRE)) == seen)
    {
        if (sleeps)
        {
            futex_wait(word, seen);
        }
        else
        {
            relax();
        }
    }

    seen = count;
    memcpy(copy_of_frame, (char*)word + SMALL, SMALL);
}

static void take_asleep(void* word) { take(word, true); }
static void take_spinning(void* word) { take(word, false); }

static void receive_small(Request request, void (*enter)(void* word))
{
    seen = *(int32_t*)(void*)(map_elements(request.path) + request.number);
    be_woken(request, enter, nothing);
}

void frame_post(Request request) { wake(request, nothing, post); }
void frame_sleep(Request request) { receive_small(request, take_asleep); }
void frame_spin(Request request) { receive_small(request, take_spinning); }

#define _GNU_SOURCE
#include "posixshm_internal.h"

#include <errno.h>
#include <poll.h>
#include <stdalign.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

/* A file may appear whole (linked or renamed), or in place: then its writes, its last close or its new mode make it an array. */
#define CHANGES (IN_CREATE | IN_MOVED_TO | IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)

intptr_t PosixShm_WatchDirectory(const char* path, int32_t* watch)
{
    int fd = FAULT("inotify_init") ? -1 : inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    *watch = fd < 0 || FAULT("inotify_add_watch") ? -1 : inotify_add_watch(fd, path, CHANGES);
    if (fd >= 0 && *watch < 0)
    {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }

    return fd;
}

int32_t PosixShm_WaitForEntry(intptr_t fd, const char* name, int32_t timeoutMilliseconds)
{
    struct pollfd queue = { .fd = (int)fd, .events = POLLIN };
    int ready = poll(&queue, 1, timeoutMilliseconds);
    if (ready <= 0)
    {
        return ready == 0 || errno == EINTR ? PAL_WATCH_OTHER : -1;
    }

    alignas(struct inotify_event) char events[4096];
    ssize_t length;
    RETRY(length, read((int)fd, events, sizeof(events)));
    if (length < 0)
    {
        return errno == EAGAIN ? PAL_WATCH_OTHER : -1;
    }

    int32_t found = PAL_WATCH_OTHER;
    for (ssize_t at = 0; at < length;)
    {
        const struct inotify_event* event = (const void*)(events + at);
        at += (ssize_t)(sizeof(*event) + event->len);
        if ((event->mask & (IN_IGNORED | IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT)) != 0)
        {
            return PAL_WATCH_ENDED;
        }

        if ((event->mask & IN_Q_OVERFLOW) != 0 || (event->len > 0 && strcmp(event->name, name) == 0))
        {
            found = PAL_WATCH_NAMED;
        }
    }

    return found;
}

int32_t PosixShm_EndWatch(intptr_t fd, int32_t watch)
{
    return inotify_rm_watch((int)fd, watch);
}

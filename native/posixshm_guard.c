#define _GNU_SOURCE
#include "posixshm_internal.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/*
 * A page of a mapping that its file no longer has (somebody truncated it), or that finds no memory (a sparse file in a
 * full file system), raises SIGBUS at the first touch, and .NET can neither catch that nor say what happened. So:
 *
 *   - a guarded copy jumps out of the copy and fails with EFAULT;
 *   - any other access gets zero pages in place of the lost ones, private ones that nobody else sees, and the mapping is
 *     marked as lost, which the caller finds at its next look;
 *   - a SIGBUS that is not ours goes on to whoever had the signal before.
 */

typedef struct Range
{
    _Atomic uintptr_t start; /* 0: free */
    _Atomic uintptr_t end;
    _Atomic int32_t lost;
    _Atomic int32_t protection;
    struct Range* next;      /* of all ranges ever made; never changes */
    struct Range* next_free;
} Range;

/* The handler only follows these links: ranges are added, reused, and never freed. */
static _Atomic(Range*) all_ranges;

static Range* free_ranges;
static atomic_flag busy = ATOMIC_FLAG_INIT;

static struct sigaction previous;
static uintptr_t page_size;

#if defined(__GLIBC__)
/* No lazy allocation of thread-local storage inside a signal handler. */
static _Thread_local __attribute__((tls_model("initial-exec"))) sigjmp_buf* volatile escape;
#else
static _Thread_local sigjmp_buf* volatile escape;
#endif

static Range* find_range(uintptr_t address)
{
    for (Range* range = atomic_load(&all_ranges); range != NULL; range = range->next)
    {
        /* The start once more after the end: meanwhile the range may have become another one's. */
        uintptr_t start = atomic_load(&range->start);
        uintptr_t end = atomic_load(&range->end);
        if (address >= start && address < end && atomic_load(&range->start) == start)
        {
            return range;
        }
    }

    return NULL;
}

static bool replace_lost_pages(uintptr_t address)
{
    Range* range = find_range(address);
    if (range == NULL)
    {
        return false;
    }

    int error = errno;
    uintptr_t page = address & ~(page_size - 1);
    int protection = atomic_load(&range->protection);
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED;

    /* Only the page that is lost: others may still be shared, a lock in the control page among them. Where there are too many mappings, all the rest. */
    void* zeros = mmap((void*)page, page_size, protection, flags, -1, 0);
    if (zeros == MAP_FAILED)
    {
        zeros = mmap((void*)page, atomic_load(&range->end) - page, protection, flags, -1, 0);
    }

    errno = error;
    if (zeros == MAP_FAILED)
    {
        return false;
    }

    atomic_store(&range->lost, 1);
    return true;
}

static void pass_on(int signal_number, siginfo_t* info, void* context)
{
    bool is_sent = info->si_code <= 0;
    if (previous.sa_flags & SA_SIGINFO)
    {
        previous.sa_sigaction(signal_number, info, context);
    }
    else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN)
    {
        previous.sa_handler(signal_number);
    }
    else if (!is_sent)
    {
        /* The same access faults again, with the default action. */
        signal(signal_number, SIG_DFL);
    }
    else if (previous.sa_handler == SIG_DFL)
    {
        signal(signal_number, SIG_DFL);
        raise(signal_number);
    }
}

static void on_bus_error(int signal_number, siginfo_t* info, void* context)
{
    /* A positive code is the kernel's own: a fault, not somebody's kill(2). */
    if (info->si_code > 0)
    {
        sigjmp_buf* target = escape;
        if (target != NULL)
        {
            Range* range = find_range((uintptr_t)info->si_addr);
            if (range != NULL)
            {
                atomic_store(&range->lost, 1);
            }

            escape = NULL;
            siglongjmp(*target, 1);
        }

        if (replace_lost_pages((uintptr_t)info->si_addr))
        {
            return;
        }
    }

    pass_on(signal_number, info, context);
}

static void enter(void)
{
    while (atomic_flag_test_and_set_explicit(&busy, memory_order_acquire))
    {
    }
}

static void leave(void)
{
    atomic_flag_clear_explicit(&busy, memory_order_release);
}

int32_t PosixShm_InstallGuard(void)
{
    page_size = (uintptr_t)sysconf(_SC_PAGESIZE);
    if (sigaction(SIGBUS, NULL, &previous) < 0)
    {
        return -1;
    }

    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_bus_error;

    /*
     * On the stack that the previous handler wants: the runtime's does not want the alternate one, and there it would
     * report a stack overflow. Not deferred: a guarded copy leaves the handler by a jump.
     */
    action.sa_flags = SA_SIGINFO | SA_NODEFER | SA_RESTART | (previous.sa_flags & SA_ONSTACK);
    sigemptyset(&action.sa_mask);
    return sigaction(SIGBUS, &action, NULL);
}

int32_t* PosixShm_Guard(void* address, uint64_t length, int32_t flags)
{
    enter();
    Range* range = free_ranges;
    if (range != NULL)
    {
        free_ranges = range->next_free;
    }

    leave();
    bool is_new = range == NULL;
    if (is_new && (range = calloc(1, sizeof *range)) == NULL)
    {
        return NULL;
    }

    atomic_store(&range->lost, 0);
    atomic_store(&range->protection, PROT_READ | ((flags & PAL_MAP_WRITE) ? PROT_WRITE : 0));
    atomic_store(&range->end, (uintptr_t)address + length);
    atomic_store(&range->start, (uintptr_t)address);
    if (is_new)
    {
        enter();
        range->next = atomic_load(&all_ranges);
        atomic_store(&all_ranges, range);
        leave();
    }

    return (int32_t*)&range->lost;
}

void PosixShm_Unguard(int32_t* lost)
{
    Range* range = (Range*)((char*)lost - offsetof(Range, lost));
    atomic_store(&range->start, UINTPTR_MAX);
    atomic_store(&range->end, 0);
    enter();
    range->next_free = free_ranges;
    free_ranges = range;
    leave();
}

int32_t PosixShm_Copy(void* destination, const void* source, uint64_t length)
{
    /* Without saving the signal mask: the handler does not change it, and saving would be a system call. */
    sigjmp_buf target;
    if (sigsetjmp(target, 0) != 0)
    {
        errno = EFAULT;
        return -1;
    }

    escape = &target;
    atomic_signal_fence(memory_order_seq_cst);
    memmove(destination, source, (size_t)length);
    atomic_signal_fence(memory_order_seq_cst);
    escape = NULL;
    return 0;
}

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
#include <ucontext.h>
#include <unistd.h>

/*
 * The first touch of a page raises SIGBUS if the file no longer has the page, because another process truncated it. It also
 * does so if no memory is left for the page of a sparse file. .NET can neither catch that signal nor report its cause. So:
 *
 *   - guarded work (large copies and fills) jumps out of the work, and returns the mapping that lost its memory;
 *   - any other access gets private zero pages in place of the lost ones, and the mapping is marked as lost, which the
 *     caller notices at its next call;
 *   - every other SIGBUS goes on to the previous handler.
 */

typedef struct Range
{
    _Atomic uintptr_t start;      /* UINTPTR_MAX: free */
    _Atomic uintptr_t end;
    _Atomic uintptr_t file_start; /* where the file's first byte is, or would be */
    _Atomic uintptr_t lost_from;  /* from here to the end, all pages are replaced */
    _Atomic int32_t lost;
    _Atomic int32_t protection;
    _Atomic int32_t fd;           /* of the mapped file; open for as long as the range is guarded */
    _Atomic uint32_t faults;      /* inside the file's size */
    struct Range* next;           /* of all ranges ever made; never changes */
    struct Range* next_free;
} Range;

/* The place at which guarded work of a thread continues after a fault. */
typedef struct
{
    sigjmp_buf target;
    Range* volatile lost;
} Escape;

/* A copy of up to 16 pages has no escape, which would take longer than a small copy: each fault replaces a page or more. */
#define MAX_PLAIN_COPY (64u << 10)

/* The handler only follows these links: ranges are added, reused, and never freed. */
static _Atomic(Range*) all_ranges;

static Range* free_ranges;
static atomic_flag busy = ATOMIC_FLAG_INIT;

/* 1 if this process ever lost memory: before that, the ranges that finished work touched need no check. */
static _Atomic int32_t any_lost;

static bool is_installed;
static struct sigaction previous;
static uintptr_t page_size;

/* The handler by which the last signal arrived here: ours, or a later one that passes signals on. */
static _Atomic uintptr_t reached_by;

#if defined(__GLIBC__)
/* No lazy allocation of thread-local storage inside a signal handler. */
static _Thread_local __attribute__((tls_model("initial-exec"))) Escape* volatile escape;
#else
static _Thread_local Escape* volatile escape;
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

static void mark_lost(Range* range)
{
    atomic_store(&range->lost, 1);
    atomic_store(&any_lost, 1);
}

static uintptr_t round_up(uintptr_t bytes)
{
    return (bytes + page_size - 1) & ~(page_size - 1);
}

static bool replace(uintptr_t start, uintptr_t end, int protection)
{
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED;
    return start < end && mmap((void*)start, end - start, protection, flags, -1, 0) != MAP_FAILED;
}

/*
 * The end of the pages to replace for a fault inside the file's size, where there was no memory for a page. Pages that the
 * file has stay shared: a lock may lie in one. So the end is the file's next data; lseek(2), which signal handlers may call.
 * Data between many holes would need too many mappings (vm.max_map_count): after every 64 faults the least run doubles, and
 * then takes such data with it. Each of the last two pages, which hold the locks, is replaced only for a fault of its own.
 */
static uintptr_t end_of_hole(Range* range, uintptr_t page, uintptr_t file_end)
{
    uintptr_t start = atomic_load(&range->file_start);
    uintptr_t end = atomic_load(&range->lost_from);
    uintptr_t tail = atomic_load(&range->end) - 2 * page_size;
    if (page >= tail)
    {
        return page + page_size;
    }

    off_t data = lseek(atomic_load(&range->fd), (off_t)(page - start), SEEK_DATA);
    uintptr_t next = data >= 0 ? start + ((uintptr_t)data & ~(page_size - 1)) : file_end;

    uint32_t doublings = atomic_fetch_add(&range->faults, 1) / 64;
    uintptr_t least = page_size << (doublings < 40 ? doublings : 40);
    uintptr_t limit = tail < end ? tail : end;
    uintptr_t wanted = next > page && next - page > least ? next - page : least;
    return wanted < limit - page ? page + wanted : limit;
}

/*
 * Replaces the lost pages around an address by zeros. All that lies beyond the file's end is lost, and replaced as one
 * mapping: any number of touches needs no more.
 */
static bool replace_lost_pages(Range* range, uintptr_t address)
{
    uintptr_t page = address & ~(page_size - 1);
    uintptr_t lost_from = atomic_load(&range->lost_from);
    if (page >= lost_from)
    {
        /* Another thread has just replaced it. */
        return true;
    }

    int error = errno;
    int protection = atomic_load(&range->protection);
    uintptr_t start = atomic_load(&range->start);
    off_t size = lseek(atomic_load(&range->fd), 0, SEEK_END);
    uintptr_t file_end = size < 0 ? lost_from : atomic_load(&range->file_start) + round_up((uintptr_t)size);
    uintptr_t from = file_end < start ? start : file_end;
    bool is_beyond = page >= from;
    bool is_replaced = is_beyond ? replace(from, lost_from, protection) : replace(page, end_of_hole(range, page, file_end), protection);
    if (is_replaced && is_beyond)
    {
        atomic_store(&range->lost_from, from);
    }

    /* If the kernel promises memory strictly (vm.overcommit_memory=2), it may grant a page and no more. */
    is_replaced = is_replaced || replace(page, page + page_size, protection);
    errno = error;
    return is_replaced;
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

static void leave_work(Escape* target, Range* range, const ucontext_t* context)
{
    /* The mask of before the signal: a handler that passed it on to this one may block more, and a jump restores nothing. */
    sigprocmask(SIG_SETMASK, &context->uc_sigmask, NULL);
    target->lost = range;
    escape = NULL;
    siglongjmp(target->target, 1);
}

static void on_bus_error(int signal_number, siginfo_t* info, void* context)
{
    struct sigaction installed;
    if (sigaction(SIGBUS, NULL, &installed) == 0)
    {
        atomic_store(&reached_by, (uintptr_t)installed.sa_sigaction);
    }

    /* Lost memory has this code alone; a misaligned access, broken hardware and kill(2) have others. */
    Escape* target = escape;
    Range* range = info->si_code == BUS_ADRERR ? find_range((uintptr_t)info->si_addr) : NULL;
    if (range != NULL)
    {
        mark_lost(range);
        if (target != NULL)
        {
            leave_work(target, range, context);
        }

        if (replace_lost_pages(range, (uintptr_t)info->si_addr))
        {
            return;
        }
    }

    /* The previous handler may leave by a jump of its own, and then the work is over. */
    escape = NULL;
    pass_on(signal_number, info, context);
    escape = target;
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

static int32_t install(void)
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
     * The handler runs on the stack of the previous handler: the runtime's does not use the alternate one, and there it would
     * report a stack overflow. SA_NODEFER, because guarded work leaves the handler by a jump.
     */
    action.sa_flags = SA_SIGINFO | SA_NODEFER | SA_RESTART | (previous.sa_flags & SA_ONSTACK);
    sigemptyset(&action.sa_mask);
    return sigaction(SIGBUS, &action, NULL);
}

int32_t PosixShm_InstallGuard(void)
{
    /* Once in a process: a second copy of the assembly would make the handler its own previous one, which never returns. */
    enter();
    int32_t result = is_installed ? 0 : install();
    is_installed = is_installed || result == 0;
    leave();
    return result;
}

int32_t PosixShm_IsGuardActive(void)
{
    struct sigaction installed;
    if (sigaction(SIGBUS, NULL, &installed) < 0 || installed.sa_handler == SIG_DFL || installed.sa_handler == SIG_IGN)
    {
        return 0;
    }

    return installed.sa_sigaction == on_bus_error || (uintptr_t)installed.sa_sigaction == atomic_load(&reached_by);
}

int32_t* PosixShm_Guard(void* address, uint64_t length, int32_t flags, intptr_t fd, uint64_t offset)
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

    uintptr_t end = round_up((uintptr_t)address + length);
    atomic_store(&range->lost, 0);
    atomic_store(&range->protection, PROT_READ | ((flags & PAL_MAP_WRITE) ? PROT_WRITE : 0));
    atomic_store(&range->fd, (int32_t)fd);
    atomic_store(&range->faults, 0);
    atomic_store(&range->file_start, (uintptr_t)address - (uintptr_t)offset);
    atomic_store(&range->lost_from, end);
    atomic_store(&range->end, end);
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

static Range* range_of(int32_t* lost)
{
    return (Range*)((char*)lost - offsetof(Range, lost));
}

void posixshm_guard_protection(int32_t* lost, int protection)
{
    /* Never less: a part of the mapping may keep the protection that it had, and a retried store must not fault again. */
    atomic_fetch_or(&range_of(lost)->protection, protection);
}

void PosixShm_Unguard(int32_t* lost)
{
    Range* range = range_of(lost);
    atomic_store(&range->start, UINTPTR_MAX);
    atomic_store(&range->end, 0);
    enter();
    range->next_free = free_ranges;
    free_ranges = range;
    leave();
}

typedef struct
{
    char* destination;
    const char* source;
    size_t size;   /* of the source */
    size_t length; /* of the destination */
} Work;

/* The range of an address, if it is one that lost memory. */
static Range* find_lost(const void* address)
{
    Range* range = find_range((uintptr_t)address);
    return range != NULL && atomic_load(&range->lost) != 0 ? range : NULL;
}

/* The range that lost memory under finished work. Another thread may have touched the lost page first, and a copy without an
 * escape gets zeros itself: then the work met zeros, and no fault. */
static Range* find_lost_under(const Work* work)
{
    if (atomic_load_explicit(&any_lost, memory_order_acquire) == 0)
    {
        return NULL;
    }

    Range* lost = find_lost(work->destination);
    return lost != NULL ? lost : find_lost(work->source);
}

static int32_t* lost_word(Range* lost)
{
    return lost == NULL ? NULL : (int32_t*)&lost->lost;
}

static int32_t* run_guarded(void (*run)(const Work*), const Work* work)
{
    /* Without saving the signal mask, which would be a system call: the handler restores it before it jumps. */
    Escape here;
    here.lost = NULL;
    if (sigsetjmp(here.target, 0) == 0)
    {
        escape = &here;
        atomic_signal_fence(memory_order_seq_cst);
        run(work);
        atomic_signal_fence(memory_order_seq_cst);
        escape = NULL;
        here.lost = find_lost_under(work);
    }

    return lost_word(here.lost);
}

static void copy(const Work* work)
{
    memmove(work->destination, work->source, work->length);
}

int32_t* PosixShm_Copy(void* destination, const void* source, uint64_t length)
{
    Work work = { destination, source, (size_t)length, (size_t)length };
    if (length <= MAX_PLAIN_COPY)
    {
        copy(&work);
        return lost_word(find_lost_under(&work));
    }

    return run_guarded(copy, &work);
}

/* Stores alone, without the reads of a copy: as wide as every processor has them. */
typedef uint64_t Pattern __attribute__((vector_size(16), aligned(1), may_alias));

static void fill_by_pattern(const Work* work)
{
    char bytes[sizeof(Pattern)];
    for (size_t i = 0; i < sizeof bytes; i += work->size)
    {
        memcpy(bytes + i, work->source, work->size);
    }

    Pattern pattern;
    memcpy(&pattern, bytes, sizeof pattern);
    char* at = work->destination;
    char* end = at + work->length;
    for (; (size_t)(end - at) >= 4 * sizeof pattern; at += 4 * sizeof pattern)
    {
        Pattern* next = (Pattern*)at;
        next[0] = pattern;
        next[1] = pattern;
        next[2] = pattern;
        next[3] = pattern;
    }

    for (; at < end; at += work->size)
    {
        memcpy(at, work->source, work->size);
    }
}

/* Elements of other sizes: as many at a time as there is room for, so that small ones are not copied one by one. */
static void fill_by_block(const Work* work)
{
    char block[4096];
    const char* source = work->source;
    size_t step = work->size;
    if (step <= sizeof block / 2)
    {
        size_t wanted = sizeof block / step * step;
        wanted = wanted < work->length ? wanted : work->length;
        for (step = 0; step < wanted; step += work->size)
        {
            memcpy(block + step, work->source, work->size);
        }

        source = block;
    }

    for (size_t done = 0; done < work->length; done += step)
    {
        size_t rest = work->length - done;
        memcpy(work->destination + done, source, step < rest ? step : rest);
    }
}

static void fill(const Work* work)
{
    if (sizeof(Pattern) % work->size == 0)
    {
        fill_by_pattern(work);
    }
    else
    {
        fill_by_block(work);
    }
}

int32_t* PosixShm_Fill(void* destination, uint64_t length, const void* element, uint64_t size)
{
    Work work = { destination, element, (size_t)size, (size_t)length };
    return run_guarded(fill, &work);
}

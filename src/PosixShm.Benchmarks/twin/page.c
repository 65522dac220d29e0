#define _GNU_SOURCE
#include "files.h"
#include "npy.h"
#include "operations.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* docs/FORMAT.md, "Control page" */
enum { FIRST_SLOT = 256, FIRST_LOCK = 2112 };
static const uint64_t page_word = 0x01024D4853500002;

static void* at(char* page, int offset)
{
    return page + offset;
}

static bool is_zero(const _Atomic uint64_t* page)
{
    uint64_t all = 0;
    for (int i = 1; i < PAGE / 8; i++)
    {
        all |= atomic_load_explicit(&page[i], memory_order_relaxed);
    }

    atomic_thread_fence(memory_order_acquire);
    return all == 0;
}

/* Makes the control page of an array that has none. */
static void make_page(int fd, char* page, long offset)
{
    struct stat status;
    uint64_t none = 0;
    _Atomic uint64_t* word = at(page, 0);
    check(fstat(fd, &status), "fstat");
    check(fallocate(fd, 0, offset, PAGE), "fallocate");
    errno = EEXIST;
    check(atomic_load(word) == 0 && is_zero(word) && atomic_compare_exchange_strong(word, &none, page_word) ? 0 : -1, "page");
}

/* Takes a slot, whose lock the kernel drops when its owner ends, and enters the first lock. */
static void enter(int fd, char* page)
{
    uint32_t unheld = 0;
    lock_byte(fd, F_WRLCK, IN_USE_BYTE + 1);
    uint32_t owner = (atomic_fetch_add((_Atomic uint32_t*)at(page, FIRST_SLOT), 1) + 1) << 9 | 1;
    errno = EBUSY;
    check(atomic_compare_exchange_strong((_Atomic uint32_t*)at(page, FIRST_LOCK), &unheld, owner) ? 0 : -1, "lock");
}

/* The first use of a lock of a new array. Only that is timed. */
void first_lock(Request request)
{
    char header[HEADER];
    long end = HEADER + request.number, offset = page_offset(end);
    int64_t took = 0;
    write_header(header, request.number);
    for (long i = 0; i < request.count; i++)
    {
        int fd = open("/dev/shm", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        check(fd, "open");
        check(ftruncate(fd, end), "ftruncate");
        check(pwrite(fd, header, HEADER, 0), "pwrite");
        char* memory = map(fd, offset + PAGE);
        int64_t start = now();
        make_page(fd, memory + offset, offset);
        enter(fd, memory + offset);
        took += now() - start;
        munmap(memory, (size_t)(offset + PAGE));
        close(fd);
    }

    reply(took);
}

/*
 * What Debian's libstdc++.so.6 and libgcc_s.so.1, which are built for glibc, take from glibc, and musl 1.2.3 lacks. On a system with
 * musl both libraries are musl's own. This library takes the name of glibc's loader, which that libstdc++ needs. For tests only.
 */
#define _GNU_SOURCE
#include <link.h>
#include <locale.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/random.h>
#include <time.h>

/* Never a single thread: libstdc++ then uses atomic instructions always. */
char __libc_single_threaded = 0;

uint32_t arc4random(void)
{
    uint32_t value;
    if (getrandom(&value, sizeof value, 0) != sizeof value)
    {
        abort();
    }

    return value;
}

size_t __strftime_l(char* text, size_t size, const char* format, const struct tm* time, locale_t locale)
{
    return strftime_l(text, size, format, time, locale);
}

/* The destructors of thread-local C++ objects do not run: their memory leaks when a thread exits. */
int __cxa_thread_atexit_impl(void (*destructor)(void*), void* object, void* library)
{
    (void)destructor;
    (void)object;
    (void)library;
    return 0;
}

unsigned long __getauxval(unsigned long type)
{
    return getauxval(type);
}

/* libgcc_s has these only in old symbol versions, of which musl knows nothing. No feature of the processor is reported. */
unsigned __cpu_model[8];

int __cpu_indicator_init(void)
{
    return 0;
}

/* glibc's struct dl_find_object, without its reserve. */
struct found
{
    unsigned long long flags;
    void* start;
    void* end;
    struct link_map* library;
    void* frames;
};

struct search
{
    uintptr_t address;
    struct found* found;
};

static int compare(struct dl_phdr_info* library, size_t size, void* argument)
{
    struct search* search = argument;
    uintptr_t start = UINTPTR_MAX;
    uintptr_t end = 0;
    int is_inside = 0;
    void* frames = NULL;
    (void)size;
    for (int i = 0; i < library->dlpi_phnum; i++)
    {
        const ElfW(Phdr)* part = &library->dlpi_phdr[i];
        uintptr_t first = library->dlpi_addr + part->p_vaddr;
        uintptr_t last = first + part->p_memsz;
        if (part->p_type == PT_LOAD)
        {
            start = first < start ? first : start;
            end = last > end ? last : end;
            is_inside |= search->address >= first && search->address < last;
        }
        else if (part->p_type == PT_GNU_EH_FRAME)
        {
            frames = (void*)first;
        }
    }

    if (!is_inside || frames == NULL)
    {
        return 0;
    }

    *search->found = (struct found){ .start = (void*)start, .end = (void*)end, .frames = frames };
    return 1;
}

/* Finds the tables with which C++ exceptions unwind the stack. */
int _dl_find_object(void* address, struct found* found)
{
    struct search search = { (uintptr_t)address, found };
    return dl_iterate_phdr(compare, &search) ? 0 : -1;
}

#define _GNU_SOURCE
#include "files.h"
#include "operations.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Copies all elements between two loads of the word; docs/FORMAT.md, "Snapshots". No process writes, so one copy is enough. */
void snapshot_read(Request request)
{
    static void* target;
    static long room;
    const char* elements = map_elements(request.path);
    _Atomic uint64_t* word = (_Atomic uint64_t*)(void*)(uintptr_t)(elements + request.number);
    if (room < request.number)
    {
        free(target);
        target = malloc((size_t)request.number);
        room = request.number;
        memset(target, 1, (size_t)room);
    }

    for (long i = 0; i < request.count; i++)
    {
        uint64_t before = atomic_load_explicit(word, memory_order_acquire);
        check((before & 1ull << 30) == 0 ? 0 : -1, "an odd word");
        memcpy(target, elements, (size_t)request.number);
        atomic_thread_fence(memory_order_acquire);
        check(atomic_load_explicit(word, memory_order_relaxed) == before ? 0 : -1, "another word");
        __asm__ volatile("" ::: "memory");
    }
}

// Boost's mutex between processes, as a program of its own: no other measurement needs Boost.
#include "arena.h"

#include <boost/interprocess/sync/interprocess_mutex.hpp>
#include <new>

using boost::interprocess::interprocess_mutex;

static void create(Request request)
{
    new (map_elements(request.path) + request.number) interprocess_mutex();
}

static void enter(void* lock)
{
    static_cast<interprocess_mutex*>(lock)->lock();
}

static void leave(void* lock)
{
    static_cast<interprocess_mutex*>(lock)->unlock();
}

static void compete(Request request)
{
    contend(request, enter, leave);
}

static const Operation operations[] = {
    { "boost-create", create },
    { "boost-contend", compete },
    { nullptr, nullptr },
};

int main(int count, char** arguments)
{
    return serve(operations, count, arguments);
}

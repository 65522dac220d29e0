#include "operations.h"

#include <stddef.h>

static const Operation operations[] = {
    { "create-sparse", create_sparse },
    { "create-reserved", create_reserved },
    { "create-sparse-plain", create_sparse_plain },
    { "create-reserved-plain", create_reserved_plain },
    { "create-from", create_from },
    { "create-populated", create_populated },
    { "create-filled", create_filled },
    { "create-kept", create_kept },
    { "copy-file", copy_file },
    { "delete", delete_one },
    { "attach", attach },
    { "attach-plain", attach_plain },
    { "attach-many", attach_many },
    { "list", list },
    { "list-plain", list_plain },
    { "first-lock", first_lock },
    { "copy", copy },
    { "sum", sum },
    { "first-sum", first_sum },
    { "snapshot-read", snapshot_read },
    { "futex-lock", futex_lock },
    { "futex-contend", futex_contend },
    { "lock-wake", futex_wake },
    { "lock-sleep", futex_sleep },
    { "mutex-create", mutex_create },
    { "robust-create", robust_create },
    { "mutex-lock", mutex_lock },
    { "mutex-contend", mutex_contend },
    { "rwlock-create", rwlock_create },
    { "rwlock-read", rwlock_read },
    { "rwlock-write", rwlock_write },
    { "rwlock-contend", rwlock_contend },
    { "event-wake", event_wake },
    { "event-sleep", event_sleep },
    { "pipe-send", pipe_send },
    { "pipe-pass", pipe_pass },
    { "socket-send", socket_send },
    { "socket-pass", socket_pass },
    { "frame-post", frame_post },
    { "frame-sleep", frame_sleep },
    { "frame-spin", frame_spin },
    { NULL, NULL },
};

int main(int count, char** arguments)
{
    return serve(operations, count, arguments);
}

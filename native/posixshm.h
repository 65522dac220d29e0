/*
 * The whole ABI between PosixShm.dll and the C library.
 *
 * Rules: fixed-width types only, and one exported prefix. One system call per function; a function that
 * makes more gives the reason. EINTR never escapes, and every descriptor is close-on-exec. Every constant
 * that crosses the border is one of the PAL values below, never the platform's own number. A function that
 * can fail returns -1 or NULL and sets errno.
 */
#pragma once

#include <stdint.h>

#define POSIXSHM_EXPORT __attribute__((visibility("default")))

enum
{
    PAL_O_RDONLY = 0x0000,
    PAL_O_RDWR   = 0x0002,
    PAL_O_CREAT  = 0x0020, /* always together with O_EXCL */
    PAL_O_FOLLOW = 0x0100, /* follow a symbolic link in the last component; without it, O_NOFOLLOW */
};

enum
{
    PAL_MAP_READ      = 0x1,
    PAL_MAP_WRITE     = 0x2,
    PAL_MAP_PRIVATE   = 0x4, /* copy on write; without it, MAP_SHARED */
    PAL_MAP_NORESERVE = 0x8, /* private copies without a promise of memory */
    PAL_MAP_POPULATE  = 0x10, /* map every page now, best effort */
};

enum
{
    PAL_ADVICE_NORMAL         = 0,
    PAL_ADVICE_HUGE_PAGES     = 1, /* back the range with huge pages where the mount allows it */
    PAL_ADVICE_POPULATE_WRITE = 2, /* map every page now, to be written */
    PAL_ADVICE_COLLAPSE       = 3, /* move the range into huge pages now, whatever the mount's options */
    PAL_ADVICE_RANDOM         = 4,
    PAL_ADVICE_SEQUENTIAL     = 5,
    PAL_ADVICE_WILL_NEED      = 6,
    PAL_ADVICE_DONT_NEED      = 7,
    PAL_ADVICE_REMOVE         = 8, /* free the range's pages in the file, too */
    PAL_ADVICE_SMALL_PAGES    = 9, /* MADV_NOHUGEPAGE */
    PAL_ADVICE_DONT_DUMP      = 10,
    PAL_ADVICE_DO_DUMP        = 11,
    PAL_ADVICE_COLD           = 12,
    PAL_ADVICE_PAGE_OUT       = 13,
    PAL_ADVICE_POPULATE_READ  = 14, /* map every page now, to be read */
};

enum
{
    PAL_LOCK_NONE      = 0,
    PAL_LOCK_SHARED    = 1,
    PAL_LOCK_EXCLUSIVE = 2,
};

enum
{
    PAL_WATCH_OTHER = 0, /* the time is over, a signal came, or another entry changed */
    PAL_WATCH_NAMED = 1, /* the entry of that name changed, or the kernel dropped changes */
    PAL_WATCH_ENDED = 2, /* the watch was ended, or the directory was deleted or moved */
};

enum
{
    PAL_TYPE_OTHER     = 0,
    PAL_TYPE_REGULAR   = 1,
    PAL_TYPE_DIRECTORY = 2,
    PAL_TYPE_SYMLINK   = 3,
    PAL_TYPE_FIFO      = 4,
    PAL_TYPE_SOCKET    = 5,
    PAL_TYPE_DEVICE    = 6,
};

enum
{
    PAL_SUCCESS      = 0,
    PAL_EACCES       = 0x10002,
    PAL_EAGAIN       = 0x10006,
    PAL_EDQUOT       = 0x10013,
    PAL_EEXIST       = 0x10014,
    PAL_EFAULT       = 0x10015,
    PAL_EFBIG        = 0x10016,
    PAL_EINVAL       = 0x1001C,
    PAL_EISDIR       = 0x1001F,
    PAL_ELOOP        = 0x10020,
    PAL_EMFILE       = 0x10021,
    PAL_ENAMETOOLONG = 0x10025,
    PAL_ENFILE       = 0x10029,
    PAL_ENODEV       = 0x1002C,
    PAL_ENOLCK       = 0x1002E,
    PAL_ENOENT       = 0x1002D,
    PAL_ENOMEM       = 0x10031,
    PAL_ENOSPC       = 0x10034,
    PAL_ENOSYS       = 0x10037,
    PAL_ENOTDIR      = 0x10039,
    PAL_EOPNOTSUPP   = 0x1003D,
    PAL_EOVERFLOW    = 0x10041,
    PAL_EPERM        = 0x10042,
    PAL_ERANGE       = 0x10045,
    PAL_EROFS        = 0x10046,
    PAL_ETIMEDOUT    = 0x1004D,
    PAL_EXDEV        = 0x1004F,
    PAL_ENXIO        = 0x1003B,
    PAL_ENONSTANDARD = 0x1FFFF,
};

/* The status of a file; statx(2). Times are nanoseconds since 1970-01-01 UTC, 0 where not known. */
typedef struct
{
    int64_t  size;
    uint64_t device;
    uint64_t inode;
    int64_t  modified;
    int64_t  born;
    uint32_t type;        /* PAL_TYPE_* */
    uint32_t permissions; /* the low twelve mode bits */
    uint32_t owner;
    uint32_t group;
    uint32_t links;
    uint32_t reserved;
} PosixShmStatus;

enum
{
    PAL_NAME_SIZE  = 256,  /* of a file's name with its zero, at most */
    PAL_PROBE_HEAD = 512,  /* of a file's first bytes: nearly every .npy header */
    PAL_NO_BYTE    = -1,   /* no byte lock is of interest */
    PAL_NO_STATUS  = -2,   /* nor is the status: the first bytes are all that is asked */
};

/* The status and first bytes of one file, read without mapping it. */
typedef struct
{
    PosixShmStatus status;
    int64_t file;        /* the file's descriptor, for more bytes; -1: none is open */
    int32_t locked;      /* the PAL_LOCK_* that another open file holds on the byte that was asked for, else 0; -1 if the query failed */
    int32_t head_length; /* how much of head was read: min(size, PAL_PROBE_HEAD) */
    uint8_t head[PAL_PROBE_HEAD];
} PosixShmProbe;

/* ---- files ---------------------------------------------------------------------------------- */

/* Opens a file; open(2), O_NONBLOCK so that a FIFO cannot hold us. Mode 0600 if created. Returns a descriptor, or -1. */
POSIXSHM_EXPORT intptr_t PosixShm_Open(const char* path, int32_t flags);

/* Opens a shared memory object of a name without slashes, as above; shm_open(3), which follows no link. Returns a descriptor, or -1. */
POSIXSHM_EXPORT intptr_t PosixShm_ShmOpen(const char* name, int32_t flags);

/* Removes the name of a shared memory object; shm_unlink(3). Returns 0, or -1. */
POSIXSHM_EXPORT int32_t PosixShm_ShmUnlink(const char* name);

/*
 * Opens a file as above, and reads its status and first bytes. Before that, locks a byte of the file (PAL_LOCK_SHARED) or
 * checks whether another open file has it locked (PAL_LOCK_NONE); PAL_NO_BYTE leaves both out. The system calls are
 * shm_open(3), openat(2) or open(2), fcntl(2), statx(2), pread(2), in this order. They are one function because every
 * attachment makes them, and a listing thousands of times. It first closes the file that the previous call left open in the
 * probe. A name that is not an absolute path is one in the directory, or of a shared memory object if the directory is NULL. Only a
 * regular file's bytes are read. For
 * PAL_NO_STATUS, the status stays as it was. Returns 0, or -1 with no file open.
 */
POSIXSHM_EXPORT int32_t PosixShm_Probe(void* directory, const char* name, int32_t flags, int64_t byte, int32_t lock, PosixShmProbe* probe);

/* Closes a descriptor, after dropping all locks of its open file if unlock is 1; close(2), PosixShm_UnlockAll. Returns 0, or -1. */
POSIXSHM_EXPORT int32_t PosixShm_Close(intptr_t fd, int32_t unlock);

/* Opens a new file that has no name yet; open(2), O_TMPFILE. Mode 0600. Returns a descriptor, or -1. */
POSIXSHM_EXPORT intptr_t PosixShm_OpenUnnamed(const char* directory);

/*
 * Gives an unnamed file its name, if that is free; linkat(2), AT_EMPTY_PATH. Returns 0, or -1 (ENOENT: kernels before 6.10
 * require CAP_DAC_READ_SEARCH).
 */
POSIXSHM_EXPORT int32_t PosixShm_LinkEmptyPath(intptr_t fd, const char* path);

/* The same through /proc/self/fd, which takes twice as long; linkat(2). Returns 0, or -1. */
POSIXSHM_EXPORT int32_t PosixShm_LinkThroughProc(intptr_t fd, const char* path);

/* Gives a file a second name, if that is free; link(2). Returns 0, or -1. */
POSIXSHM_EXPORT int32_t PosixShm_Link(const char* from, const char* to);

/* Renames a file, if the new name is free; renameat2(2), RENAME_NOREPLACE. Returns 0, or -1. */
POSIXSHM_EXPORT int32_t PosixShm_RenameNew(const char* from, const char* to);

/* Renames a file over whatever has the new name; rename(2). Returns 0, or -1. */
POSIXSHM_EXPORT int32_t PosixShm_Rename(const char* from, const char* to);

/* Makes memory that has no name at all; memfd_create(2). Returns a descriptor, or -1. */
POSIXSHM_EXPORT intptr_t PosixShm_CreateAnonymous(const char* label);

/* Makes an anonymous file's size final; fcntl(2), F_ADD_SEALS. Returns 0, or -1. */
POSIXSHM_EXPORT int32_t PosixShm_SealSize(intptr_t fd);

/* Sets whether programs that this process starts get the descriptor; fcntl(2), F_SETFD. Returns 0, or -1. */
POSIXSHM_EXPORT int32_t PosixShm_SetInheritable(intptr_t fd, int32_t inheritable);

/* Makes a second descriptor of an open file, of which all locks and the offset are shared; fcntl(2), F_DUPFD_CLOEXEC. Returns it, or -1. */
POSIXSHM_EXPORT intptr_t PosixShm_Duplicate(intptr_t fd);

/* Checks whether programs that this process starts get the descriptor; fcntl(2), F_GETFD. Returns 1, 0, or -1. */
POSIXSHM_EXPORT int32_t PosixShm_IsInheritable(intptr_t fd);

/* Removes a name; unlink(2). Returns 0, or -1. */
POSIXSHM_EXPORT int32_t PosixShm_Unlink(const char* path);

/* Reads the status of an open file; statx(2). Returns 0, or -1. */
POSIXSHM_EXPORT int32_t PosixShm_FStat(intptr_t fd, PosixShmStatus* status);

/* Reads the status of the file that has a name; for a symbolic link, of its target if follow is 1; statx(2). Returns 0, or -1. */
POSIXSHM_EXPORT int32_t PosixShm_Stat(const char* path, int32_t follow, PosixShmStatus* status);

/* Returns 1 if this process owns a file or may act as its owner, also where ids are not mapped, else 0, or -1; fcntl(2), O_NOATIME. */
POSIXSHM_EXPORT int32_t PosixShm_IsOwner(intptr_t fd);

/* Gives a file an owner and a group; fchown(2). Returns 0, or -1. */
POSIXSHM_EXPORT int32_t PosixShm_FChOwn(intptr_t fd, uint32_t owner, uint32_t group);

/* Gives a file the access control list of another one, or none; fgetxattr(2), fsetxattr(2), fremovexattr(2). Returns 0, or -1. */
POSIXSHM_EXPORT int32_t PosixShm_CopyAccessList(intptr_t from, intptr_t to);

/* Sets the permission bits exactly, whatever the umask; fchmod(2). Returns 0, or -1. */
POSIXSHM_EXPORT int32_t PosixShm_FChMod(intptr_t fd, uint32_t permissions);

/* Sets the size without reserving space; ftruncate(2); no SIGXFSZ. Returns 0, or -1. */
POSIXSHM_EXPORT int32_t PosixShm_FTruncate(intptr_t fd, int64_t length);

/* Sets the size and reserves the space for it; fallocate(2); no SIGXFSZ. Returns 0, or -1. */
POSIXSHM_EXPORT int32_t PosixShm_Allocate(intptr_t fd, int64_t offset, int64_t length);

/* Sets a byte to zero, and the size to what that needs; pwrite(2); no SIGXFSZ. Returns 0, or -1. */
POSIXSHM_EXPORT int32_t PosixShm_WriteZero(intptr_t fd, int64_t offset);

/* Reads at an offset; pread(2). Returns the bytes read, fewer at the end of the file, or -1. */
POSIXSHM_EXPORT int64_t PosixShm_PRead(intptr_t fd, void* buffer, int64_t length, int64_t offset);

/* Writes at an offset; pwrite(2). Returns the bytes written, or -1. */
POSIXSHM_EXPORT int64_t PosixShm_PWrite(intptr_t fd, const void* buffer, int64_t length, int64_t offset);

/* Waits until a file, or a directory's list of names, is on disk; fsync(2). Returns 0, or -1. */
POSIXSHM_EXPORT int32_t PosixShm_FSync(intptr_t fd);

/* Reads how much room a path's file system has for us, and whether its files are memory (tmpfs, ramfs); statfs(2). Returns 0, or -1. */
POSIXSHM_EXPORT int32_t PosixShm_GetFreeSpace(const char* path, int64_t* bytes, int64_t* files, int32_t* is_memory);

/* Returns this process's user for the file system; geteuid(2). */
POSIXSHM_EXPORT uint32_t PosixShm_GetEffectiveUser(void);

/* ---- locks on bytes, which the kernel drops when the last copy of the descriptor closes ---------- */

/* Takes a PAL_LOCK_* on one byte without waiting; fcntl(2), F_OFD_SETLK. Returns 0, or -1 (EAGAIN: somebody else's). */
POSIXSHM_EXPORT int32_t PosixShm_LockByte(intptr_t fd, int64_t offset, int32_t kind);

/* Drops all locks of an open file, as closing its last copy would; fcntl(2), F_OFD_SETLK. Returns 0, or -1. */
POSIXSHM_EXPORT int32_t PosixShm_UnlockAll(intptr_t fd);

/*
 * Queries the lock of another open file that would refuse a PAL_LOCK_* on one byte; fcntl(2), F_OFD_GETLK. PAL_LOCK_SHARED meets
 * exclusive locks only, which take write permission. Returns the PAL_LOCK_* that was met, 0 for none, or -1.
 */
POSIXSHM_EXPORT int32_t PosixShm_FindByteLock(intptr_t fd, int64_t offset, int32_t kind);

/*
 * Takes a write lease, which the kernel grants only while no other open file or mapping exists, in any namespace; fcntl(2),
 * F_SETLEASE, after F_SETSIG. Returns 0, or -1 (EAGAIN: another one exists; EACCES, EINVAL: not known).
 */
POSIXSHM_EXPORT int32_t PosixShm_TakeLease(intptr_t fd);

/* Ends that lease; fcntl(2), F_SETLEASE. Returns 0, or -1. */
POSIXSHM_EXPORT int32_t PosixShm_EndLease(intptr_t fd);

/* ---- mappings ------------------------------------------------------------------------------- */

/*
 * Maps a range of a file, whose offset is a multiple of the machine's page; mmap(2). A mapping of 2 MiB or more from offset 0
 * starts at a multiple of 2 MiB, so that its pages can be huge, which takes three calls; if that fails, it starts at any page.
 * Unless lost is NULL, the mapping is guarded, and *lost becomes what PosixShm_Guard returns, or stays as it is if that is NULL.
 * Returns the address, or NULL (not MAP_FAILED).
 */
POSIXSHM_EXPORT void* PosixShm_MMap(uint64_t length, int32_t flags, intptr_t fd, int64_t offset, int32_t** lost);

/*
 * Sets the protection of a mapped range (PAL_MAP_READ, PAL_MAP_WRITE, or 0 for none); mprotect(2). Unless lost is NULL, pages that replace
 * lost ones get at least that protection. Returns 0, or -1 (EACCES: the file is not open to write).
 */
POSIXSHM_EXPORT int32_t PosixShm_MProtect(void* address, uint64_t length, int32_t flags, int32_t* lost);

/* Gives a PAL_ADVICE_* on a mapped range; madvise(2). Returns 0, or -1 (EINVAL: not in this kernel). */
POSIXSHM_EXPORT int32_t PosixShm_MAdvise(void* address, uint64_t length, int32_t advice);

/* Writes a mapped range to its file, and waits for the disk; msync(2), MS_SYNC. Returns 0, or -1. */
POSIXSHM_EXPORT int32_t PosixShm_MSync(void* address, uint64_t length);

/* Brings a mapped range into memory and keeps it there; mlock(2). Returns 0, or -1 (ENOMEM, EPERM: RLIMIT_MEMLOCK). */
POSIXSHM_EXPORT int32_t PosixShm_MLock(void* address, uint64_t length);

/* Takes that back; munlock(2). Returns 0, or -1. */
POSIXSHM_EXPORT int32_t PosixShm_MUnlock(void* address, uint64_t length);

/* Reads how many bytes this process may lock in memory, -1 if there is no limit; getrlimit(2), RLIMIT_MEMLOCK. Returns 0, or -1. */
POSIXSHM_EXPORT int32_t PosixShm_GetMemoryLockLimit(int64_t* bytes);

/* Unmaps, after PosixShm_Unguard unless lost is NULL; munmap(2). Returns 0, or -1. */
POSIXSHM_EXPORT int32_t PosixShm_MUnmap(void* address, uint64_t length, int32_t* lost);

/* ---- mappings that lose their memory ------------------------------------------------------------- */

/*
 * Installs the handler of SIGBUS for the mappings below, once in a process; sigaction(2). All other signals still reach the
 * previous handler. Returns 0, or -1.
 */
POSIXSHM_EXPORT int32_t PosixShm_InstallGuard(void);

/*
 * Checks whether SIGBUS reaches the guard: its handler is the installed one, or the installed one has passed a signal on to
 * it; sigaction(2). Returns 1, or 0.
 */
POSIXSHM_EXPORT int32_t PosixShm_IsGuardActive(void);

/*
 * Adds a mapping of a file from an offset (PAL_MAP_WRITE: a writable one), whose descriptor stays open until PosixShm_Unguard.
 * Returns the word that becomes 1 when memory of the mapping was lost, or NULL.
 */
POSIXSHM_EXPORT int32_t* PosixShm_Guard(void* address, uint64_t length, int32_t flags, intptr_t fd, uint64_t offset);

/* Removes a mapping, before it is unmapped. */
POSIXSHM_EXPORT void PosixShm_Unguard(int32_t* lost);

/* Copies from or to mappings; memmove(3). Returns NULL, or the word of the mapping that lost memory. */
POSIXSHM_EXPORT int32_t* PosixShm_Copy(void* destination, const void* source, uint64_t length);

/* Fills length bytes, a multiple of size, with an element; memcpy(3). Returns NULL, or the word of the mapping that lost memory. */
POSIXSHM_EXPORT int32_t* PosixShm_Fill(void* destination, uint64_t length, const void* element, uint64_t size);

/* ---- waiting ----------------------------------------------------------------------------------- */

/*
 * Sleeps while a word in shared memory has a value, at most so long, -1 for ever; futex(2), FUTEX_WAIT, monotonic clock.
 * Returns 0 after a wake-up or a signal, or -1 (EAGAIN: it has another value; ETIMEDOUT).
 */
POSIXSHM_EXPORT int32_t PosixShm_FutexWait(int32_t* address, int32_t expected, int32_t timeoutMilliseconds);

/* A word in shared memory and the value that it must have; the kernel's struct futex_waitv, whose flags the shim sets. */
typedef struct
{
    uint64_t expected; /* the upper half is 0 */
    int32_t* address;
    uint32_t flags;
    uint32_t reserved; /* 0 */
} PosixShmFutex;

enum { PAL_MOST_FUTEXES = 128 };

/*
 * Sleeps while each of up to 128 words has its value, at most so long; futex_waitv(2) of Linux 5.16, monotonic clock. Returns the index of
 * a word that was woken (others may have been, too), or count after a signal, or -1 (EAGAIN: one has another value; ETIMEDOUT; EFAULT:
 * memory of one is lost; ENOSYS or EPERM: there is no such call).
 */
POSIXSHM_EXPORT int32_t PosixShm_FutexWaitAny(PosixShmFutex* words, int32_t count, int32_t timeoutMilliseconds);

/* Wakes up to so many who sleep on a word; futex(2), FUTEX_WAKE. Returns how many, or -1. */
POSIXSHM_EXPORT int32_t PosixShm_FutexWake(int32_t* address, int32_t count);

/* ---- names that appear ------------------------------------------------------------------------------ */

/*
 * Watches the entries of a directory. Two calls, inotify_init1(2) and inotify_add_watch(2), since neither is of use alone.
 * Returns a descriptor, and the number of the watch; or -1.
 */
POSIXSHM_EXPORT intptr_t PosixShm_WatchDirectory(const char* path, int32_t* watch);

/*
 * Sleeps until an entry changes, at most so long, -1 for ever, and removes the changes from the queue: poll(2) and read(2), since a
 * read has no time-out. Returns a PAL_WATCH value, or -1.
 */
POSIXSHM_EXPORT int32_t PosixShm_WaitForEntry(intptr_t fd, const char* name, int32_t timeoutMilliseconds);

/* Ends a watch, and the sleep of a thread in PosixShm_WaitForEntry; inotify_rm_watch(2). Returns 0, or -1. */
POSIXSHM_EXPORT int32_t PosixShm_EndWatch(intptr_t fd, int32_t watch);

/* ---- threads that end ------------------------------------------------------------------------------- */

/* Makes a queue of ended threads; pthread_key_create(3). Returns it, or NULL. It is never freed. */
POSIXSHM_EXPORT void* PosixShm_CreateThreadWatch(void);

/* Puts a value into the queue when the calling thread ends; pthread_setspecific(3). Returns 0, or -1. */
POSIXSHM_EXPORT int32_t PosixShm_WatchThread(void* watch, void* thread);

/* Waits until a watched thread has ended; futex(2), FUTEX_WAIT. Returns its value. For one caller at a time. */
POSIXSHM_EXPORT void* PosixShm_WaitForThreadEnd(void* watch);

/* ---- named semaphores; the file of "/x" is /dev/shm/sem.x, also with musl, whose own name for it is "/sem.x" ---------------------- */

/*
 * Opens a semaphore, or creates it if the name is free (create is 1; the umask applies to the mode); sem_open(3). Returns it,
 * or NULL (not SEM_FAILED).
 */
POSIXSHM_EXPORT void* PosixShm_SemOpen(const char* name, int32_t create, uint32_t mode, uint32_t value);

/* Closes an open semaphore, as often as it was opened; sem_close(3). Returns 0, or -1. */
POSIXSHM_EXPORT int32_t PosixShm_SemClose(void* semaphore);

/* Removes a semaphore's name; sem_unlink(3). Returns 0, or -1. */
POSIXSHM_EXPORT int32_t PosixShm_SemUnlink(const char* name);

/* Returns whether memory can be a semaphore of this C library that processes share. Returns 1 or 0. */
POSIXSHM_EXPORT int32_t PosixShm_IsSemaphore(const void* semaphore);

/*
 * Lowers the count, waiting at most so long; sem_trywait(3) for 0, else sem_clockwait(3), monotonic clock.
 * Returns 0, or -1 (EAGAIN or ETIMEDOUT: it stayed zero; ENOSYS: this libc can only try; EINVAL: it is not a semaphore, for
 * which the C library would abort).
 */
POSIXSHM_EXPORT int32_t PosixShm_SemWait(void* semaphore, int32_t timeoutMilliseconds);

/* Raises the count; sem_post(3). Returns 0, or -1 (EINVAL: it is not a semaphore). */
POSIXSHM_EXPORT int32_t PosixShm_SemPost(void* semaphore);

/* Reads the count; sem_getvalue(3). Returns it, or -1 (EINVAL: it is not a semaphore). */
POSIXSHM_EXPORT int32_t PosixShm_SemGetValue(void* semaphore);

/* Returns the size of the file behind a semaphore. */
POSIXSHM_EXPORT int32_t PosixShm_GetSemaphoreSize(void);

/* ---- the process ------------------------------------------------------------------------------- */

/* Returns whether the program has more rights than its caller (set-user-ID, capabilities); getauxval(3), AT_SECURE. Returns 1 or 0. */
POSIXSHM_EXPORT int32_t PosixShm_IsSecureExecution(void);

/* ---- users ------------------------------------------------------------------------------------- */

/*
 * Finds a user's name, which then begins the buffer, with its zero; getpwuid_r(3), which needs room for the user's whole entry.
 * Returns the name's length, 0 if the user has no name, or -1 (ERANGE: the entry needs a larger buffer).
 */
POSIXSHM_EXPORT int32_t PosixShm_GetUserName(uint32_t user, char* buffer, int32_t size);

/* ---- directories ------------------------------------------------------------------------------ */

/* Opens a directory for reading; opendir(3). Returns a stream, or NULL. */
POSIXSHM_EXPORT void* PosixShm_OpenDirectory(const char* path);

/*
 * Reads the next names of what may be regular files, as many as there is room for (at least for one: PAL_NAME_SIZE), each with its zero;
 * readdir(3). Returns how many bytes they are, 0 at the end, or -1.
 */
POSIXSHM_EXPORT int32_t PosixShm_ReadDirectory(void* directory, char* names, int32_t size);

/* Closes; closedir(3). Returns 0, or -1. */
POSIXSHM_EXPORT int32_t PosixShm_CloseDirectory(void* directory);

/* ---- errors ------------------------------------------------------------------------------------ */

/* Translates the platform's errno into a PAL_E* value. */
POSIXSHM_EXPORT int32_t PosixShm_ConvertErrno(int32_t platformErrno);

/*
 * The work of the library in plain C: the base that it is measured against.
 *
 * A line "OPERATION COUNT PATH [NUMBER]" on standard input runs the operation COUNT times. The answer is one line: the numbers that the
 * operation replied with, or the nanoseconds that it took. PATH is a file in /dev/shm.
 */
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { PAGE = 4096 };

typedef struct
{
    long count;
    const char* path;
    long number;
} Request;

typedef struct
{
    const char* name;
    void (*run)(Request request);
} Operation;

/* Answers requests until the end of the input; with arguments, one request: a whole process to be timed or counted. */
int serve(const Operation* operations, int count, char** arguments);

/* Adds a number to the answer. */
void reply(int64_t number);

/* Nanoseconds of the clock that all processes share. */
int64_t now(void);

/* Ends the program if a call failed. */
void check(long result, const char* call);
void fail(const char* call) __attribute__((noreturn));

#ifdef __cplusplus
}
#endif

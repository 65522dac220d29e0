#include "npy.h"
#include "twin.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Magic, version 1.0, and the length of what follows it, as two bytes. */
enum { PREFIX = 10 };

static const char magic[] = "\x93NUMPY";

void write_header(char header[HEADER], long bytes)
{
    const char prefix[PREFIX] = { '\x93', 'N', 'U', 'M', 'P', 'Y', 1, 0, HEADER - PREFIX, 0 };
    memset(header, ' ', HEADER);
    memcpy(header, prefix, PREFIX);
    int length = snprintf(header + PREFIX, HEADER - PREFIX, "{'descr': '<f8', 'fortran_order': False, 'shape': (%ld,), }", bytes / 8);
    header[PREFIX + length] = ' ';
    header[HEADER - 1] = '\n';
}

void check_header(const char* head)
{
    errno = EILSEQ;
    check(memcmp(head, magic, sizeof magic - 1) == 0 ? 0 : -1, "header");
}

long elements_offset(const char* head)
{
    return PREFIX + (unsigned char)head[8] + 256 * (unsigned char)head[9];
}

long elements_end(const char* head)
{
    const char* type = strstr(head + PREFIX, "'descr': '<f");
    const char* shape = strstr(head + PREFIX, "'shape': (");
    errno = EILSEQ;
    check(type == NULL || shape == NULL ? -1 : 0, "header");
    return elements_offset(head) + strtol(type + strlen("'descr': '<f"), NULL, 10) * strtol(shape + strlen("'shape': ("), NULL, 10);
}

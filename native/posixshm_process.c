#define _GNU_SOURCE
#include "posixshm_internal.h"

#include <sys/auxv.h>

int32_t PosixShm_IsSecureExecution(void)
{
    return FAULT("secure") || getauxval(AT_SECURE) != 0;
}

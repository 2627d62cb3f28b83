// GNU extensions of the C library that Swift's Glibc module leaves out: dl_iterate_phdr(3), malloc_trim(3).
#ifndef BOOTGATE_CGNU
#define BOOTGATE_CGNU
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include <link.h>
#include <malloc.h>
#endif

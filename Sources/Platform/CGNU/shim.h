// GNU extensions of the C library that Swift's Glibc module leaves out. Declared here: with _GNU_SOURCE the C library's
// own headers change types that the Glibc module has already, and the two modules then contradict each other.
#ifndef BOOTGATE_CGNU
#define BOOTGATE_CGNU
#include <elf.h>
#include <stddef.h>

/// A loaded object, as dl_iterate_phdr(3) shows it; later members are left out (the callee makes the structure).
struct dl_phdr_info {
    Elf64_Addr dlpi_addr;
    const char *dlpi_name;
    const Elf64_Phdr *dlpi_phdr;
    Elf64_Half dlpi_phnum;
};

int dl_iterate_phdr(int (*callback)(struct dl_phdr_info *object, size_t size, void *data), void *data);
/// malloc_trim(3).
int malloc_trim(size_t pad);
#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The compiled tasks.bpf.c, carried in the program; the Makefile says where it is. */
    .section .rodata
    .balign 8
    .globl tasks_object, tasks_object_end
    .type tasks_object, %object
tasks_object:
    .incbin "tasks.bpf.o"
tasks_object_end:
    .size tasks_object, . - tasks_object
    .section .note.GNU-stack, "", %progbits

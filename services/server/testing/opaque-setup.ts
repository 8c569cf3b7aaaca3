/** The OPAQUE setup of servers in tests: one that all have, as all of a cluster must. */
export const testOpaqueSetup =
  "n9SNvTJG551I1cIJogO9uC-Nef9n6VceYoezXkbVni1-afCUkCn0zxAtKuWZck4vG-2KVl8q7PNc1kWT9WwKSBONzWB3RkMAy0ejuPGWdtM1AyDbmb79H7SBoM879WkCtMDEFR6rw6OiqhptTIK_MLYjX-76TvB6WlYW06Py-H4";

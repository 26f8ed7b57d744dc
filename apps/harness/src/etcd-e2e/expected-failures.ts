/** Tests of etcd's end-to-end suite that this store does not pass, each with the reason. */
export const EXPECTED_FAILURES: Readonly<Record<string, string>> = {};

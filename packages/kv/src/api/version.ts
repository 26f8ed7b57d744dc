/** The version of etcd's API that the server speaks, as clients look for it. */
export const API_VERSION = "3.5.0";

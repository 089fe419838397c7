/** Layer: transports. */

/** The oldest TLS that a listener accepts and a dialer of Node speaks: every browser of the last years knows it. Source: RFC 8446. */
export const leastTls = "TLSv1.3";

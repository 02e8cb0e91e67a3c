export const SECURITY_NONE = 1;
export const SECURITY_VNC = 2;

/** Security types by number, as the IANA registry of RFB names them. */
export const SECURITY_NAMES: Readonly<Record<number, string>> = {
  0: 'Invalid',
  1: 'None',
  2: 'VNC Authentication',
  5: 'RA2',
  6: 'RA2ne',
  16: 'Tight',
  17: 'Ultra',
  18: 'TLS',
  19: 'VeNCrypt',
  20: 'SASL',
  30: 'Apple Remote Desktop',
};

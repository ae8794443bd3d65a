/**
 * no-room    the target is full, or may not be written
 * bad-input  what was asked for cannot be
 * key        the key of this installation is not one
 * truncated  an archive that ends before its end
 * broken     something that is no evidence archive, or no longer one
 * absent     this machine has no such thing, which is no gap
 * no-archive, timestamp   none by that name; the service did not answer as it should
 */
export type EvidenceErrorCode = 'no-room' | 'bad-input' | 'key' | 'truncated' | 'broken' | 'absent' | 'no-archive' | 'timestamp';

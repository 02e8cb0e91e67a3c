;; Unmasks WebSocket payload (RFC 6455 section 5.3) while it is moved: 16 bytes at a time, the rest one by one.
;; `key` is the mask as the four bytes lie in memory, rotated so that its lowest byte belongs to the first byte.
;; `to` may lie below `from` in the same region, or apart from it; never inside the bytes that are still to be read.
(module
  (import "camofleet" "memory" (memory 1))
  (func (export "unmask") (param $from i32) (param $to i32) (param $length i32) (param $key i32)
    (local $end i32)
    (local $wide v128)
    (local.set $wide (i32x4.splat (local.get $key)))
    (local.set $end (i32.add (local.get $from) (i32.and (local.get $length) (i32.const -16))))
    (block $wideDone
      (loop $wideNext
        (br_if $wideDone (i32.eq (local.get $from) (local.get $end)))
        (v128.store align=1 (local.get $to) (v128.xor (v128.load align=1 (local.get $from)) (local.get $wide)))
        (local.set $from (i32.add (local.get $from) (i32.const 16)))
        (local.set $to (i32.add (local.get $to) (i32.const 16)))
        (br $wideNext)))
    (local.set $end (i32.add (local.get $from) (i32.and (local.get $length) (i32.const 15))))
    (block $done
      (loop $next
        (br_if $done (i32.eq (local.get $from) (local.get $end)))
        (i32.store8 (local.get $to) (i32.xor (i32.load8_u (local.get $from)) (local.get $key)))
        (local.set $key (i32.rotr (local.get $key) (i32.const 8)))
        (local.set $from (i32.add (local.get $from) (i32.const 1)))
        (local.set $to (i32.add (local.get $to) (i32.const 1)))
        (br $next)))))

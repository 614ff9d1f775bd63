//! amm: a PHP extension that keeps applications on a live writer.

mod php;

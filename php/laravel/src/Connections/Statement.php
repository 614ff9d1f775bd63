<?php

namespace Amm\Laravel\Connections;

/**
 * What can be told from a statement's text about repeating it.
 *
 * Whatever is not understood counts as a write that may run in parts.
 */
final class Statement
{
    /**
     * What a read must not contain: it writes, depends on its session, or is several statements.
     */
    private const NOT_PLAIN = '~
        \b(?: insert | update(?<!for\ update) | delete | into | call )\b
        | \b(?: get_lock | release_lock | release_all_locks | is_used_lock | is_free_lock )\s*\(
        | \b(?: last_insert_id | found_rows | row_count | connection_id | nextval | lastval | setval )\s*\(
        | \b(?: next | previous )\s+value\s+for\b
        | \banalyze\b
        | @ | := | /\*M?! | ;(?!\s*$)
    ~ix';

    /**
     * Create a new statement instance.
     */
    public function __construct(private string $sql)
    {
    }

    /**
     * Determine if the statement only reads, whichever session it runs in.
     */
    public function isPlainRead(): bool
    {
        return preg_match('~^[\s(]*(?:select|show|explain|describe|desc|with)\b~i', $this->body()) === 1
            && preg_match(self::NOT_PLAIN, $this->body()) === 0;
    }

    /**
     * Determine if the statement is refused as a whole or not at all.
     */
    public function isOne(): bool
    {
        return preg_match('~^\s*(?:call|begin\s+not|do)\b|;(?!\s*$)|/\*M?!~i', $this->body()) === 0;
    }

    /**
     * Get the text without the comments before it.
     */
    private function body(): string
    {
        return preg_replace('~^(?:\s+|/\*(?!M?!).*?\*/|--\s[^\n]*\n|\#[^\n]*\n)+~s', '', $this->sql) ?? $this->sql;
    }
}

<?php

namespace Amm\Laravel\Tests;

use Illuminate\Contracts\Debug\ExceptionHandler;
use Throwable;

final class RecordingExceptionHandler implements ExceptionHandler
{
    /**
     * @param  list<Throwable>  $reported
     */
    public function __construct(private array &$reported)
    {
    }

    public function report(Throwable $e)
    {
        $this->reported[] = $e;
    }

    public function shouldReport(Throwable $e)
    {
        return true;
    }

    public function render($request, Throwable $e)
    {
        throw $e;
    }

    public function renderForConsole($output, Throwable $e)
    {
        throw $e;
    }
}

<?php

namespace App;

use Illuminate\Contracts\Debug\ExceptionHandler as Contract;
use Illuminate\Http\JsonResponse;
use PDOException;
use Symfony\Component\HttpKernel\Exception\HttpExceptionInterface;
use Throwable;

/**
 * Answers with what went wrong and where, for the books.
 */
final class ExceptionHandler implements Contract
{
    public function __construct(private DialLog $log)
    {
    }

    public function report(Throwable $e)
    {
    }

    public function shouldReport(Throwable $e)
    {
        return false;
    }

    public function render($request, Throwable $e)
    {
        return new JsonResponse([
            'error' => $e->getMessage(),
            'class' => $e::class,
            'errno' => $this->errno($e),
            'token' => (string) $request->query('token'),
            'node' => $this->log->node,
        ], $e instanceof HttpExceptionInterface ? $e->getStatusCode() : 500);
    }

    public function renderForConsole($output, Throwable $e)
    {
        $output->writeln((string) $e);
    }

    /**
     * The database's own number, from wherever in the chain it is.
     */
    private function errno(?Throwable $e): ?int
    {
        for (; $e; $e = $e->getPrevious()) {
            if ($e instanceof PDOException && isset($e->errorInfo[1])) {
                return (int) $e->errorInfo[1];
            }
        }

        return null;
    }
}
